use std::collections::HashSet;

use cloakroom_core::{
    AttributeChange, Bind, Changes, Commit, Committed, Edit, Gone, Handle, Name, Outcome, Record,
    TicketChange, TicketFate, Verdict,
};

use super::MySqlStore;
use super::commit::Held;
use super::principal::handles;
use super::row::{bytes, lapse, name, number};
use super::script::{Answer, of_handle, of_names, of_principal};
use super::session::{lock_session, select_names};
use super::step::{Closing, Step};
use super::store::{Own, stored};
use crate::record::{decode, encode, millis};

/// A session that a transaction has locked, as it was found.
struct Locked {
    record: Record,
    read: Vec<u8>,
    held: Held,
    /// The names of attributes to remove, if the commit does not store them.
    removed: Vec<Name>,
    /// The principal's other sessions, also those that have ended.
    others: Vec<Handle>,
}

/// Commits that take a transaction: it locks the session and reads all that the rules need, stores, and removes.
impl MySqlStore {
    pub(super) async fn change_locked(&self, commit: &Commit) -> Result<Outcome, sqlx::Error> {
        let (mut step, locked) = self.lock(commit).await?;
        let outcome = match locked {
            None => Outcome::Gone(Gone::Absent),
            Some(mut session) => {
                session.removed.extend(step.lapsed(commit.guard.handle, &mut session.record).await?);
                match session.decide(&mut step, commit).await? {
                    Verdict::Answer(outcome) => outcome,
                    Verdict::Apply(committed) => {
                        return self.write(step, commit, session, committed).await;
                    }
                }
            }
        };
        step.undo().await?;
        Ok(outcome)
    }

    async fn lock(&self, commit: &Commit) -> Result<(Step<'_>, Option<Locked>), sqlx::Error> {
        let (handle, bind) = (commit.guard.handle, bind_of(&commit.changes));
        let (mut opening, session) = (self.opening(), of_handle(handle));
        opening.push_lock_of(bind.map(|bind| &bind.principal));
        let session_at = opening.push(&lock_session(handle));
        let now_at = opening.push_now();
        let names = of_names(commit.changes.attributes.iter().map(|change| &change.name));
        let held_at = opening.push(&format!(
            "SELECT name, revision, lapses_at, LENGTH(value) FROM cloakroom_attributes \
             WHERE session = {session} AND name > x'' AND name IN ({names})"
        ));
        let all_at = commit.changes.clear.then(|| opening.push(&select_names(&session)));
        let others_at = opening.push_others(bind, handle);
        let (step, mut answers) = opening.send(self.links.acquire().await?, now_at).await?;
        let mut take = |at: Option<usize>| at.map(|at| std::mem::take(&mut answers[at])).unwrap_or_default();
        let found = Found {
            session: take(Some(session_at)),
            held: take(Some(held_at)),
            all: take(all_at),
            others: take(others_at),
        };
        let locked = found.read(&step, commit)?;
        Ok((step, locked))
    }

    async fn write(
        &self,
        mut step: Step<'_>,
        commit: &Commit,
        session: Locked,
        committed: Committed,
    ) -> Result<Outcome, sqlx::Error> {
        let (handle, version) = (commit.guard.handle, session.record.version);
        let own = Own { handle, version, record: &encode(&session.record), read: &session.read, until: None };
        step.store(&own, &stored(commit, step.now)).await?;
        let mut closing = step.closing();
        closing.push_removals(commit, session.removed);
        closing.push_due(handle, &session.record);
        closing.push_end(committed.ended.iter().map(|ended| ended.handle));
        closing.commit().await?;
        Ok(Outcome::Committed(committed))
    }
}

/// What the server has answered to the first message.
struct Found {
    session: Answer,
    held: Answer,
    /// All names, if they are to be removed.
    all: Answer,
    others: Answer,
}

impl Found {
    /// Returns `None` where there is no session, or it has ended for good.
    fn read(self, step: &Step<'_>, commit: &Commit) -> Result<Option<Locked>, sqlx::Error> {
        let Some(row) = self.session.rows.first() else { return Ok(None) };
        if lapse(row, 1)?.is_some() || number(row, 3, "epoch")? != step.epoch {
            return Ok(None);
        }
        let read = bytes(row, 2)?.to_vec();
        let (record, mut held) = (decode(&read)?, Held::default());
        for row in &self.held.rows {
            held.add(row, 3, step.now)?;
        }
        let mut removed = removed_by(&commit.changes);
        for row in &self.all.rows {
            removed.push(name(row, 1)?);
        }
        Ok(Some(Locked { record, read, held, removed, others: handles(&self.others)? }))
    }
}

impl Locked {
    async fn decide(&mut self, step: &mut Step<'_>, commit: &Commit) -> Result<Verdict, sqlx::Error> {
        let verdict = self.record.apply(commit, step.now, |name| self.held.get(name));
        let mut committed = match verdict {
            Verdict::Apply(committed) => committed,
            answer => return Ok(answer),
        };
        let bind = bind_of(&commit.changes).filter(|_| committed.ticket == TicketFate::Changed);
        Ok(match step.make_room(bind, &self.others).await? {
            Err(over) => Verdict::Answer(Outcome::OverLimit(over)),
            Ok(ended) => {
                committed.ended = ended;
                Verdict::Apply(committed)
            }
        })
    }
}

impl Step<'_> {
    /// Returns the names of attributes whose time to live has passed, and counts them out of the record.
    async fn lapsed(&mut self, session: Handle, record: &mut Record) -> Result<Vec<Name>, sqlx::Error> {
        let now = self.now;
        if record.next_lapse.is_none_or(|lapse| now < lapse) {
            return Ok(Vec::new());
        }
        let rows = self.rows(format!(
            "SELECT name, lapses_at, LENGTH(value) FROM cloakroom_attributes \
             WHERE session = {} AND name > x'' AND lapses_at IS NOT NULL",
            of_handle(session)
        ));
        let mut lapsed = Vec::new();
        record.next_lapse = None;
        for row in &rows.await? {
            let (name, lapses_at) = (name(row, 0)?, lapse(row, 1)?);
            if lapses_at.is_some_and(|end| now < end) {
                record.next_lapse = record.next_lapse.into_iter().chain(lapses_at).min();
                continue;
            }
            record.attributes = record.attributes.saturating_sub(1);
            record.bytes = record.bytes.saturating_sub(name.as_str().len() as u64 + number(row, 2, "value")?);
            lapsed.push(name);
        }
        Ok(lapsed)
    }
}

impl Closing<'_> {
    /// Removes attributes, after those to be stored were stored.
    fn push_removals(&mut self, commit: &Commit, mut removed: Vec<Name>) {
        let changes = &commit.changes.attributes;
        let stored: HashSet<_> = changes.iter().filter(|it| is_stored(it)).map(|it| &it.name).collect();
        removed.retain(|name| !stored.contains(name));
        for name in removed {
            self.push(&format!(
                "DELETE FROM cloakroom_attributes WHERE session = {} AND name = {}",
                of_handle(commit.guard.handle),
                of_names([&name])
            ));
        }
    }

    /// Stores what the session is found by.
    pub(super) fn push_due(&mut self, session: Handle, record: &Record) {
        let principal = record.principal.as_ref().map_or_else(|| "NULL".to_owned(), of_principal);
        self.push(&format!(
            "UPDATE cloakroom_sessions SET due_at = {}, principal = {principal} WHERE handle = {}",
            millis(record.expires_at()),
            of_handle(session)
        ));
    }
}

/// Returns who signs in to a session that exists.
fn bind_of(changes: &Changes) -> Option<&Bind> {
    match &changes.ticket {
        Some(TicketChange::SignIn { bind, .. }) => Some(bind),
        _ => None,
    }
}

fn removed_by(changes: &Changes) -> Vec<Name> {
    let removed = changes.attributes.iter().filter(|change| !is_stored(change));
    removed.map(|change| change.name.clone()).collect()
}

fn is_stored(change: &AttributeChange) -> bool {
    matches!(change.edit, Edit::Set { .. })
}
