use cloakroom_core::{Admission, EndReason, Guard, Handle, Invalidate, Invalidated, Principal};

use super::SqliteStore;
use super::query::{bind_handle, for_all, query};
use super::row::{Candidate, raw_handle, readable};
use super::write::{Step, Writer};
use crate::record::millis;

/// A session that has expired but was not handed out yet is *sealed* instead of deleted: a sweep still hands it out, and
/// a commit that was held back since it was live does not revive it.
impl SqliteStore {
    pub(super) async fn invalidate_with(
        &self,
        writer: &mut Writer<'_>,
        invalidate: &Invalidate,
    ) -> Result<Invalidated, sqlx::Error> {
        let step = writer.step().await?;
        match invalidate {
            Invalidate::Ticket(guard) => self.end_by_ticket(step, guard).await,
            Invalidate::Handle { handle, owner } => self.end_by_handle(step, *handle, owner.as_ref()).await,
            Invalidate::Principal { principal, except } => self.end_all_of(step, principal, *except).await,
            Invalidate::Everyone => self.end_everyones(step).await,
        }
    }

    async fn end_by_ticket(&self, mut step: Step<'_>, guard: &Guard) -> Result<Invalidated, sqlx::Error> {
        let Some(session) = self.candidate(&mut step, guard.handle).await? else {
            return Ok(Invalidated::Done(Vec::new()));
        };
        match session.record.admit_to_end(&guard.proof, step.now) {
            Admission::Current | Admission::Previous(_) => self.end(step, session).await,
            Admission::Superseded => Ok(Invalidated::Superseded),
            Admission::Refused => Ok(Invalidated::Done(Vec::new())),
        }
    }

    async fn end_by_handle(
        &self,
        mut step: Step<'_>,
        handle: Handle,
        owner: Option<&Principal>,
    ) -> Result<Invalidated, sqlx::Error> {
        match self.candidate(&mut step, handle).await? {
            Some(session) if owner.is_none() || session.record.principal.as_ref() == owner => {
                self.end(step, session).await
            }
            _ => Ok(Invalidated::Done(Vec::new())),
        }
    }

    async fn candidate(&self, step: &mut Step<'_>, handle: Handle) -> Result<Option<Candidate>, sqlx::Error> {
        let query = bind_handle(query(&self.sql.end.candidate).bind(millis(step.now)), handle);
        let row = query.fetch_optional(step.connection()).await?;
        row.as_ref().map(Candidate::read).transpose()
    }

    async fn end(&self, mut step: Step<'_>, session: Candidate) -> Result<Invalidated, sqlx::Error> {
        let end = &self.sql.end;
        let is_live = session.record.is_live(step.now);
        let statement = if is_live { &end.delete } else { &end.seal };
        for_all(step.connection(), statement, None, &[session.handle_bytes()]).await?;
        step.commit().await?;
        let ended = is_live.then(|| session.ended(EndReason::Invalidated));
        Ok(Invalidated::Done(ended.into_iter().collect()))
    }

    /// A session that cannot be read ends as well; only nobody is told of it.
    async fn end_all_of(
        &self,
        mut step: Step<'_>,
        principal: &Principal,
        except: Option<Handle>,
    ) -> Result<Invalidated, sqlx::Error> {
        let query = query(&self.sql.end.candidates_of).bind(millis(step.now)).bind(principal.as_str());
        let rows = query.fetch_all(step.connection()).await?;
        let (mut ended, mut delete, mut seal) = (Vec::new(), Vec::new(), Vec::new());
        let spared = except.as_ref().map(|handle| handle.as_bytes().as_slice());
        for row in rows.iter().filter(|row| Some(raw_handle(row)) != spared) {
            match readable(Candidate::read(row)) {
                Some(session) if !session.record.is_live(step.now) => seal.push(raw_handle(row)),
                session => {
                    delete.push(raw_handle(row));
                    ended.extend(session.map(|session| session.ended(EndReason::Invalidated)));
                }
            }
        }
        for_all(step.connection(), &self.sql.end.delete, None, &delete).await?;
        for_all(step.connection(), &self.sql.end.seal, None, &seal).await?;
        step.commit().await?;
        Ok(Invalidated::Done(ended))
    }

    async fn end_everyones(&self, mut step: Step<'_>) -> Result<Invalidated, sqlx::Error> {
        query(&self.sql.end.next_epoch).execute(step.connection()).await?;
        step.commit().await?;
        Ok(Invalidated::Done(Vec::new()))
    }
}
