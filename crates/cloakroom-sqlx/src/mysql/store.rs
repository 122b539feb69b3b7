use bytes::Bytes;
use cloakroom_core::{Commit, Edit, Handle, Name, Timestamp, Version};

use super::MySqlStore;
use super::load::bind_handle;
use super::statements::{Query, STORED_AT_ONCE};
use super::step::Step;
use crate::record::millis;

/// How many bytes of values go into one statement, unless one value alone is larger: far less than the least
/// `max_allowed_packet` that a server of ours has by default.
const BYTES_AT_ONCE: usize = 1 << 20;

/// An attribute to be stored.
pub(super) struct Stored<'a> {
    name: &'a Name,
    value: &'a Bytes,
    lapses_at: Option<Timestamp>,
}

/// The session's own row: what it becomes, and what it must be.
pub(super) struct Own<'a> {
    pub(super) handle: Handle,
    pub(super) version: Version,
    pub(super) record: &'a [u8],
    pub(super) read: &'a [u8],
    /// Until when this must be stored; `None` where the session is locked.
    pub(super) until: Option<Timestamp>,
}

/// Returns the attributes that a commit at this time stores.
pub(super) fn stored(commit: &Commit, now: Timestamp) -> Vec<Stored<'_>> {
    let at = now.minus(commit.age);
    let stored = commit.changes.attributes.iter().filter_map(|change| match &change.edit {
        Edit::Set { value, .. } => {
            Some(Stored { name: &change.name, value, lapses_at: change.edit.lapses_at(at) })
        }
        Edit::Remove => None,
    });
    stored.collect()
}

/// Returns whether one statement stores all of a commit's attributes.
pub(super) fn fits_one_statement(commit: &Commit) -> bool {
    let changes = &commit.changes.attributes;
    let bytes = changes.iter().map(|change| match &change.edit {
        Edit::Set { value, .. } => value.len(),
        Edit::Remove => 0,
    });
    changes.len() <= STORED_AT_ONCE && bytes.sum::<usize>() <= BYTES_AT_ONCE
}

impl MySqlStore {
    /// Returns the statement that stores the record and as many of the attributes as it can, and the rest of them.
    pub(super) fn store_query<'a, 's>(
        &self,
        own: &Own<'_>,
        stored: &'a [Stored<'s>],
    ) -> (Query, &'a [Stored<'s>]) {
        let (count, query) = self.sql.store.filled_by(fitting(stored));
        let (now, rest) = stored.split_at(count);
        let revision = i64::try_from(own.version.0).unwrap_or(i64::MAX);
        let mut query = bind_handle(query, own.handle).bind(revision).bind(own.record);
        for attribute in now {
            let lapses_at = attribute.lapses_at.map(millis);
            query = bind_handle(query, own.handle).bind(attribute.name.as_str().as_bytes()).bind(revision);
            query = query.bind(lapses_at).bind(attribute.value.as_ref());
        }
        let until = own.until.map_or(i64::MAX, millis);
        (query.bind(own.read).bind(until), rest)
    }
}

/// Returns how many of the attributes, at least one, are not too much for one statement.
fn fitting(stored: &[Stored<'_>]) -> usize {
    let mut bytes = 0;
    let too_much = stored.iter().position(|attribute| {
        bytes += attribute.value.len();
        bytes > BYTES_AT_ONCE
    });
    too_much.unwrap_or(stored.len()).max(1).min(stored.len())
}

impl Step<'_> {
    /// Stores the record, and all attributes.
    pub(super) async fn store(
        &mut self,
        own: &Own<'_>,
        mut stored: &[Stored<'_>],
    ) -> Result<(), sqlx::Error> {
        let mut read = own.read;
        loop {
            let (query, rest) = self.store.store_query(&Own { read, ..*own }, stored);
            self.execute(query).await?;
            if rest.is_empty() {
                return Ok(());
            }
            (read, stored) = (own.record, rest);
        }
    }
}
