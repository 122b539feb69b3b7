use cloakroom_core::{Commit, Committed, Creation, Ended, Outcome, Record, TicketFate};

use super::MySqlStore;
use super::principal::handles;
use super::row::bytes;
use super::script::{Answer, of_handle};
use super::statements::NOW;
use super::step::Step;
use super::store::{Own, stored};
use crate::record::{decode, encode};

impl MySqlStore {
    /// Makes a session: takes its handle first, so that only one of several can have it.
    pub(super) async fn create(&self, commit: &Commit, creation: &Creation) -> Result<Outcome, sqlx::Error> {
        let (handle, bind) = (commit.guard.handle, creation.bind.as_ref());
        let (mut opening, literal) = (self.opening(), of_handle(handle));
        opening.push_lock_of(bind.map(|bind| &bind.principal));
        let taken_at = opening.push(&format!(
            "INSERT IGNORE INTO cloakroom_sessions (handle, epoch, due_at) \
             SELECT {literal}, epoch, {NOW} FROM cloakroom_state WHERE id = 1"
        ));
        let now_at = opening.push_now();
        let existing_at = opening.push(&format!(
            "SELECT value FROM cloakroom_attributes WHERE session = {literal} AND name = x''"
        ));
        let others_at = opening.push_others(bind, handle);
        let (mut step, answers) = opening.send(self.links.acquire().await?, now_at).await?;
        if answers[taken_at].affected == 0 {
            let outcome = existing(&answers[existing_at], commit, &step)?;
            step.undo().await?;
            return Ok(outcome);
        }
        let others = others_at.map_or(Ok(Vec::new()), |at| handles(&answers[at]))?;
        let made = match Record::create(commit, creation, step.now) {
            Ok(record) => step.make_room(bind, &others).await?.map(|ended| (record, ended)),
            Err(over) => Err(over),
        };
        match made {
            Ok((record, ended)) => self.write_new(step, commit, &record, ended).await,
            Err(over) => {
                step.undo().await?;
                Ok(Outcome::OverLimit(over))
            }
        }
    }

    async fn write_new(
        &self,
        mut step: Step<'_>,
        commit: &Commit,
        record: &Record,
        ended: Vec<Ended>,
    ) -> Result<Outcome, sqlx::Error> {
        let (handle, version) = (commit.guard.handle, record.version);
        let committed = Committed { version, now: step.now, ticket: TicketFate::Kept, ended };
        let own = Own { handle, version, record: &encode(record), read: &[], until: None };
        step.store(&own, &stored(commit, step.now)).await?;
        let mut closing = step.closing();
        closing.push_due(handle, record);
        closing.push_end(committed.ended.iter().map(|ended| ended.handle));
        closing.commit().await?;
        Ok(Outcome::Committed(committed))
    }
}

/// Answers a create whose handle exists: as the first time, if it is a retry.
fn existing(found: &Answer, commit: &Commit, step: &Step<'_>) -> Result<Outcome, sqlx::Error> {
    let Some(row) = found.rows.first() else { return Ok(Outcome::Taken) };
    let repeated = decode(bytes(row, 0)?)?.repeated(commit);
    Ok(repeated.map_or(Outcome::Taken, |(version, ticket)| {
        Outcome::Committed(Committed { version, now: step.now, ticket, ended: Vec::new() })
    }))
}
