use cloakroom_core::{Admission, EndReason, Error, Guard, Handle, Invalidate, Invalidated, Principal};

use super::MySqlStore;
use super::deadlock::Attempts;
use super::principal::handles;
use super::row::number;
use super::script::{Script, of_handle};
use super::session::{LockedSession, Names, Session, lock_session, select_names};
use super::step::{Closing, Step};

const INVALIDATE: &str = "invalidate";

/// A session that has expired but was not handed out yet is *sealed* instead of deleted: a sweep still hands it out, and
/// a commit that was held back since it was live does not revive it.
impl MySqlStore {
    pub(super) async fn invalidate_with_retries(
        &self,
        invalidate: &Invalidate,
    ) -> Result<Invalidated, Error> {
        self.ready(INVALIDATE).await?;
        let mut attempts = Attempts::new(INVALIDATE);
        loop {
            if let Some(result) = attempts.settle(self.invalidate_once(invalidate).await) {
                return result;
            }
        }
    }

    async fn invalidate_once(&self, invalidate: &Invalidate) -> Result<Invalidated, sqlx::Error> {
        match invalidate {
            Invalidate::Ticket(guard) => self.end_by_ticket(guard).await,
            Invalidate::Handle { handle, owner } => self.end_by_handle(*handle, owner.as_ref()).await,
            Invalidate::Principal { principal, except } => self.end_all_of(principal, *except).await,
            Invalidate::Everyone => self.end_everyones().await,
        }
    }

    async fn end_by_ticket(&self, guard: &Guard) -> Result<Invalidated, sqlx::Error> {
        let (step, session) = self.lock_one(guard.handle).await?;
        let Some(session) = session else { return step.nothing().await };
        match session.record.admit_to_end(&guard.proof, step.now) {
            Admission::Current | Admission::Previous(_) => step.end(session).await,
            Admission::Superseded => {
                step.undo().await?;
                Ok(Invalidated::Superseded)
            }
            Admission::Refused => step.nothing().await,
        }
    }

    async fn end_by_handle(
        &self,
        handle: Handle,
        owner: Option<&Principal>,
    ) -> Result<Invalidated, sqlx::Error> {
        let (step, session) = self.lock_one(handle).await?;
        match session {
            Some(session) if owner.is_none() || session.record.principal.as_ref() == owner => {
                step.end(session).await
            }
            _ => step.nothing().await,
        }
    }

    /// Locks a session that has not ended for good, and reads it.
    async fn lock_one(&self, handle: Handle) -> Result<(Step<'_>, Option<Session>), sqlx::Error> {
        let mut opening = self.opening();
        let session_at = opening.push(&lock_session(handle));
        let now_at = opening.push_now();
        let names_at = opening.push(&select_names(&of_handle(handle)));
        let (step, answers) = opening.send(self.links.acquire().await?, now_at).await?;
        let Some(row) = answers[session_at].rows.first() else { return Ok((step, None)) };
        let session = Session::read(row, &Names::new(&answers[names_at..=names_at])?, step.now)?;
        let is_open = !session.is_sealed && number(row, 3, "epoch")? == step.epoch;
        Ok((step, Some(session).filter(|_| is_open)))
    }

    async fn end_all_of(
        &self,
        principal: &Principal,
        except: Option<Handle>,
    ) -> Result<Invalidated, sqlx::Error> {
        let mut opening = self.opening();
        opening.push_lock_of(Some(principal));
        let now_at = opening.push_now();
        let theirs_at = opening.push_sessions_of(principal, except);
        let (mut step, answers) = opening.send(self.links.acquire().await?, now_at).await?;
        let theirs = handles(&answers[theirs_at])?;
        if theirs.is_empty() {
            return step.nothing().await;
        }
        let locked = step.lock_sessions_of(principal, &theirs).await?;
        step.end_all(locked).await
    }

    async fn end_everyones(&self) -> Result<Invalidated, sqlx::Error> {
        let mut script = Script::default();
        script.push(&self.namespace, "UPDATE cloakroom_state SET epoch = epoch + 1 WHERE id = 1");
        self.links.acquire().await?.run(script).await?;
        Ok(Invalidated::Done(Vec::new()))
    }
}

impl Step<'_> {
    async fn end(self, session: Session) -> Result<Invalidated, sqlx::Error> {
        let is_live = session.is_live(self.now);
        let mut closing = self.closing();
        if is_live {
            closing.push_end([session.handle]);
        } else {
            closing.push_seal(&[session.handle]);
        }
        closing.commit().await?;
        let ended = is_live.then(|| session.ended(EndReason::Invalidated));
        Ok(Invalidated::Done(ended.into_iter().collect()))
    }

    /// A session that cannot be read ends as well; only nobody is told of it.
    async fn end_all(self, locked: Vec<LockedSession>) -> Result<Invalidated, sqlx::Error> {
        let (mut ended, mut delete, mut seal) = (Vec::new(), Vec::new(), Vec::new());
        for found in locked {
            match found.session {
                Some(session) if session.is_sealed => {}
                Some(session) if !session.is_live(self.now) => seal.push(found.handle),
                session => {
                    delete.push(found.handle);
                    ended.extend(session.map(|session| session.ended(EndReason::Invalidated)));
                }
            }
        }
        let mut closing = self.closing();
        closing.push_end(delete);
        closing.push_seal(&seal);
        closing.commit().await?;
        Ok(Invalidated::Done(ended))
    }

    async fn nothing(self) -> Result<Invalidated, sqlx::Error> {
        self.undo().await?;
        Ok(Invalidated::Done(Vec::new()))
    }
}

impl Closing<'_> {
    fn push_seal(&mut self, sessions: &[Handle]) {
        self.push_claim(sessions, 0);
    }

    /// Ends sessions for good, and has a sweep hand them out from then on.
    pub(super) fn push_claim(&mut self, sessions: &[Handle], until: i64) {
        for session in sessions.iter().copied().map(of_handle) {
            self.push(&format!(
                "UPDATE cloakroom_attributes SET lapses_at = {until} WHERE session = {session} AND name = x''"
            ));
            self.push(&format!("UPDATE cloakroom_sessions SET due_at = {until} WHERE handle = {session}"));
        }
    }
}
