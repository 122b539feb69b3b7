use cloakroom_core::{Changes, Commit, Handle, Name, Principal, Record, Size, Timestamp};
use sqlx::sqlite::SqliteRow;
use std::collections::HashMap;

use super::SqliteStore;
use super::query::{Query, bind_handle, json, query, query_of, rows};
use super::row::{column, lapse, number, record_bytes, sized_attribute};
use super::write::Step;
use crate::record::{decode, encode, millis};

/// What attributes are before a commit, by their names.
pub(super) struct Held(HashMap<String, Size>);

impl Held {
    fn read(rows: &[SqliteRow], now: Timestamp) -> Result<Self, sqlx::Error> {
        let mut held = HashMap::with_capacity(rows.len());
        for row in rows {
            let attribute = sized_attribute(row, 1)?;
            let live = attribute.filter(|it| it.lapses_at.is_none_or(|end| now < end));
            held.extend(live.map(|it| (it.name, Size { value: it.bytes, revision: it.revision })));
        }
        Ok(Self(held))
    }

    pub(super) fn get(&self, name: &Name) -> Option<Size> {
        self.0.get(name.as_str()).copied()
    }
}

/// The session's row, as commits read and write it.
impl SqliteStore {
    /// Reads the record, and what the attributes are that the commit is about.
    pub(super) async fn read(
        &self,
        step: &mut Step<'_>,
        commit: &Commit,
    ) -> Result<Option<(Record, Held)>, sqlx::Error> {
        let changes = &commit.changes.attributes;
        let read = &self.sql.read;
        let query = match changes.as_slice() {
            [] => query(&read.record),
            [change] => query(&read.record_size).bind(change.name.as_str()),
            _ => query(&read.record_sizes).bind(json(changes.iter().map(|change| &change.name))),
        };
        let query = bind_handle(query, commit.guard.handle);
        let rows = rows(query, step.connection(), changes.len() <= 1).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let held = Held::read(if changes.is_empty() { &[] } else { &rows }, step.now)?;
        Ok(Some((decode(record_bytes(first)?)?, held)))
    }

    /// Stores a new record, and returns whether its handle was free.
    pub(super) async fn insert(
        &self,
        step: &mut Step<'_>,
        handle: Handle,
        record: &Record,
    ) -> Result<bool, sqlx::Error> {
        let query = bind_principal(bind_record(&self.sql.write.insert, record), record);
        let done = bind_handle(query, handle).execute(step.connection()).await?;
        Ok(done.rows_affected() > 0)
    }

    pub(super) async fn update(
        &self,
        step: &mut Step<'_>,
        commit: &Commit,
        record: &Record,
    ) -> Result<(), sqlx::Error> {
        let write = &self.sql.write;
        let query = if may_bind(&commit.changes) {
            bind_principal(bind_record(&write.update_bound, record), record)
        } else {
            bind_record(&write.update, record)
        };
        bind_handle(query, commit.guard.handle).execute(step.connection()).await?;
        Ok(())
    }

    /// Removes attributes whose time to live has passed, and counts them out of the record.
    pub(super) async fn drop_lapsed(
        &self,
        step: &mut Step<'_>,
        handle: Handle,
        record: &mut Record,
    ) -> Result<(), sqlx::Error> {
        if record.next_lapse.is_none_or(|lapse| step.now < lapse) {
            return Ok(());
        }
        let remove = query_of(&self.sql.write.remove_lapsed, handle).bind(millis(step.now));
        for row in remove.fetch_all(step.connection()).await? {
            let name = column::<&str>(&row, 0)?.len() as u64;
            record.attributes = record.attributes.saturating_sub(1);
            record.bytes = record.bytes.saturating_sub(name + number(&row, 1, "value")?);
        }
        let next = query_of(&self.sql.read.next_lapse, handle).fetch_one(step.connection()).await?;
        record.next_lapse = lapse(&next, 0)?;
        Ok(())
    }
}

/// Binds the record, and when it expires.
pub(super) fn bind_record(sql: &sqlx::SqlStr, record: &Record) -> Query {
    query(sql).bind(encode(record)).bind(millis(record.expires_at()))
}

fn bind_principal(query: Query, record: &Record) -> Query {
    query.bind(record.principal.as_ref().map(Principal::as_str))
}

fn may_bind(changes: &Changes) -> bool {
    changes.ticket.is_some()
}
