use std::collections::HashMap;

use cloakroom_core::{
    Commit, Edit, Error, Gone, Intent, Name, Outcome, Record, Size, TicketChange, Timestamp, Verdict, Version,
};
use sqlx::mysql::MySqlRow;

use super::MySqlStore;
use super::deadlock::Attempts;
use super::error::is_overtaken;
use super::load::bind_handle;
use super::row::{bytes, is_record, lapse, name, number, time};
use super::statements::{Query, bind_names};
use super::store::{Own, fits_one_statement, stored};
use crate::record::{Damaged, decode, encode};

const COMMIT: &str = "commit";

/// What attributes are before a commit, by their names.
#[derive(Default)]
pub(super) struct Held(HashMap<Name, Size>);

impl Held {
    /// Adds the attribute of a row, unless it has lapsed: name, revision, `lapses_at`, and its size in column `size_at`.
    pub(super) fn add(&mut self, row: &MySqlRow, size_at: usize, now: Timestamp) -> Result<(), sqlx::Error> {
        if lapse(row, 2)?.is_none_or(|end| now < end) {
            let (value, revision) = (number(row, size_at, "value")?, number(row, 1, "revision")?);
            self.0.insert(name(row, 0)?, Size { value, revision: Version(revision) });
        }
        Ok(())
    }

    pub(super) fn get(&self, name: &Name) -> Option<Size> {
        self.0.get(name).copied()
    }
}

impl MySqlStore {
    pub(super) async fn commit_with_retries(&self, commit: &Commit) -> Result<Outcome, Error> {
        self.ready(COMMIT).await?;
        let mut attempts = Attempts::new(COMMIT);
        loop {
            if let Some(result) = attempts.settle(self.commit_once(commit).await) {
                return result;
            }
        }
    }

    async fn commit_once(&self, commit: &Commit) -> Result<Outcome, sqlx::Error> {
        if let Intent::Create(creation) = &commit.intent {
            return self.create(commit, creation).await;
        }
        if is_simple(commit)
            && let Some(outcome) = self.change_at_once(commit).await?
        {
            return Ok(outcome);
        }
        self.change_locked(commit).await
    }

    /// Reads without a lock, decides, and stores everything by one statement, which fails if the session is no longer as it
    /// was read. So no lock is held while a message is under way. `None` if it takes a transaction; then nothing is stored.
    async fn change_at_once(&self, commit: &Commit) -> Result<Option<Outcome>, sqlx::Error> {
        let mut link = self.links.acquire().await?;
        let Some(query) = self.sizes_query(commit) else { return Ok(None) };
        let Some(before) = Before::read(&link.rows(query).await?)? else {
            return Ok(Some(Outcome::Gone(Gone::Absent)));
        };
        let (now, mut record) = (before.now, decode(&before.record)?);
        if record.next_lapse.is_some_and(|lapse| lapse <= now) {
            return Ok(None);
        }
        let until = commit.age.is_zero().then(|| valid_until(&record, commit));
        let committed = match record.apply(commit, now, |name| before.held.get(name)) {
            Verdict::Answer(outcome) => return Ok(Some(outcome)),
            Verdict::Apply(committed) => committed,
        };
        let (handle, version) = (commit.guard.handle, record.version);
        let own = Own { handle, version, record: &encode(&record), read: &before.record, until };
        match link.execute(self.store_query(&own, &stored(commit, now)).0).await {
            Ok(_) => Ok(Some(Outcome::Committed(committed))),
            Err(error) if is_overtaken(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn sizes_query(&self, commit: &Commit) -> Option<Query> {
        let changes = &commit.changes.attributes;
        let (room, query) = self.sql.sizes.with_room_for(changes.len())?;
        let query = bind_handle(query, commit.guard.handle);
        Some(bind_names(query, changes.iter().map(|change| &change.name), room))
    }
}

/// Returns whether one statement can do what the commit asks for: it sets a few attributes and changes what is in the
/// record. It cannot remove rows, nor change what the session is found by.
fn is_simple(commit: &Commit) -> bool {
    let changes = &commit.changes;
    let is_set = changes.attributes.iter().all(|change| matches!(change.edit, Edit::Set { .. }));
    let signs_in = matches!(changes.ticket, Some(TicketChange::SignIn { .. }));
    let is_found_alike = !signs_in && changes.max_inactive_interval.is_none();
    is_set && is_found_alike && !changes.clear && fits_one_statement(commit)
}

/// Returns until when a decision on the record stays as it is. (As of when a commit that was held back is decided on does not
/// change.)
fn valid_until(record: &Record, commit: &Commit) -> Timestamp {
    let is_current = record.proof == commit.guard.proof;
    let grace = record.previous.as_ref().filter(|_| !is_current).map(|previous| previous.until);
    [grace, record.next_lapse].into_iter().flatten().fold(record.expires_at(), Timestamp::min)
}

/// A session as it was read without a lock.
struct Before {
    now: Timestamp,
    record: Vec<u8>,
    held: Held,
}

impl Before {
    /// Returns `None` where there is no session, or it has been handed out as expired.
    fn read(rows: &[MySqlRow]) -> Result<Option<Self>, sqlx::Error> {
        let Some(first) = rows.first() else { return Ok(None) };
        let (now, mut record, mut held) = (time(first, 4)?, None, Held::default());
        for row in rows {
            if !is_record(row, 0)? {
                held.add(row, 5, now)?;
            } else if lapse(row, 2)?.is_some() {
                return Ok(None);
            } else {
                record = Some(bytes(row, 3)?.to_vec());
            }
        }
        let record = record.ok_or(Damaged::Column("record"))?;
        Ok(Some(Self { now, record, held }))
    }
}
