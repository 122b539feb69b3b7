use cloakroom_core::{
    Bind, Changes, Commit, Committed, Creation, Gone, Intent, Outcome, Record, TicketChange, TicketFate,
    Verdict,
};

use super::SqliteStore;
use super::attributes::change;
use super::query::query_of;
use super::row::record_bytes;
use super::write::{Step, Writer};
use crate::record::decode;

impl SqliteStore {
    /// Applies a commit in one transaction, which holds the write lock before it reads: what it decides on cannot change
    /// under it. Whatever is not committed here is rolled back.
    pub(super) async fn commit_with(
        &self,
        writer: &mut Writer<'_>,
        commit: &Commit,
    ) -> Result<Outcome, sqlx::Error> {
        let step = writer.step().await?;
        match &commit.intent {
            Intent::Create(creation) => self.create(step, commit, creation).await,
            Intent::Change => self.change(step, commit).await,
        }
    }

    async fn create(
        &self,
        mut step: Step<'_>,
        commit: &Commit,
        creation: &Creation,
    ) -> Result<Outcome, sqlx::Error> {
        let handle = commit.guard.handle;
        let record = match Record::create(commit, creation, step.now) {
            Ok(record) => record,
            Err(over) => {
                return Ok(self.existing(&mut step, commit).await?.unwrap_or(Outcome::OverLimit(over)));
            }
        };
        if !self.insert(&mut step, handle, &record).await? {
            return Ok(self.existing(&mut step, commit).await?.unwrap_or(Outcome::Taken));
        }
        let ended = match self.make_room(&mut step, handle, creation.bind.as_ref()).await? {
            Ok(ended) => ended,
            Err(over) => return Ok(Outcome::OverLimit(over)),
        };
        let committed = Committed { version: record.version, now: step.now, ticket: TicketFate::Kept, ended };
        self.store(step, commit, committed).await
    }

    /// Answers a create whose handle exists: as the first time, if it is a retry.
    async fn existing(&self, step: &mut Step<'_>, commit: &Commit) -> Result<Option<Outcome>, sqlx::Error> {
        let query = query_of(&self.sql.read.ended_record, commit.guard.handle);
        let Some(row) = query.fetch_optional(step.connection()).await? else {
            return Ok(None);
        };
        let repeated = decode(record_bytes(&row)?)?.repeated(commit);
        let now = step.now;
        let as_first = |(version, ticket)| Committed { version, now, ticket, ended: Vec::new() };
        Ok(Some(repeated.map(as_first).map_or(Outcome::Taken, Outcome::Committed)))
    }

    async fn change(&self, mut step: Step<'_>, commit: &Commit) -> Result<Outcome, sqlx::Error> {
        let Some((mut record, held)) = self.read(&mut step, commit).await? else {
            return Ok(Outcome::Gone(Gone::Absent));
        };
        let handle = commit.guard.handle;
        self.drop_lapsed(&mut step, handle, &mut record).await?;
        let mut committed = match record.apply(commit, step.now, |name| held.get(name)) {
            Verdict::Answer(outcome) => return Ok(outcome),
            Verdict::Apply(committed) => committed,
        };
        committed.ended = match self.make_room(&mut step, handle, bind(&commit.changes, &committed)).await? {
            Ok(ended) => ended,
            Err(over) => return Ok(Outcome::OverLimit(over)),
        };
        self.update(&mut step, commit, &record).await?;
        self.store(step, commit, committed).await
    }

    async fn store(
        &self,
        mut step: Step<'_>,
        commit: &Commit,
        committed: Committed,
    ) -> Result<Outcome, sqlx::Error> {
        let applied = (step.now.minus(commit.age), committed.version);
        change(step.connection(), &self.sql, commit.guard.handle, &commit.changes, applied).await?;
        step.commit().await?;
        Ok(Outcome::Committed(committed))
    }
}

/// Returns who signs in, if the commit has changed that.
fn bind<'a>(changes: &'a Changes, committed: &Committed) -> Option<&'a Bind> {
    match &changes.ticket {
        Some(TicketChange::SignIn { bind, .. }) if committed.ticket == TicketFate::Changed => Some(bind),
        _ => None,
    }
}
