use cloakroom_core::{Error, Handle, Load, Loaded, Name, Opened, Select, StoredAttribute, Timestamp, Wanted};

use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::attributes::live;
use super::query::{Query, bind_handle, json, query, rows};
use super::row::{self, record_bytes};
use crate::error::failed;
use crate::record::{decode_for_load, millis};
use crate::touch::Touched;

pub(super) const LOAD: &str = "load";

/// What one statement has found. Not yet verified.
pub(super) struct Snapshot {
    /// The record as it is stored.
    pub(super) record: Vec<u8>,
    pub(super) now: Timestamp,
    attributes: Vec<StoredAttribute>,
    names: Option<Vec<Name>>,
}

impl SqliteStore {
    /// Reads a snapshot, and records the access if the session is still as it was read; otherwise reads again.
    pub(super) async fn load_and_touch(&self, load: &Load) -> Result<Loaded, Error> {
        self.ready(LOAD).await?;
        loop {
            let snapshot = self.snapshot(load).await.map_err(|error| failed(LOAD, error))?;
            let Some(snapshot) = snapshot else { return Ok(Loaded::Absent) };
            let record = decode_for_load(&snapshot.record).map_err(|damaged| failed(LOAD, damaged.into()))?;
            let admission = record.admit(&load.guard.proof, snapshot.now);
            let standing = match admission.standing() {
                Ok(standing) => standing,
                Err(answer) => return Ok(answer),
            };
            let meta = record.meta();
            if self.record_access(load, record, admission, &snapshot).await? == Touched::Overtaken {
                continue;
            }
            let Snapshot { now, attributes, names, .. } = snapshot;
            return Ok(Loaded::Open(Box::new(Opened { standing, now, meta, attributes, names })));
        }
    }

    async fn snapshot(&self, load: &Load) -> Result<Option<Snapshot>, sqlx::Error> {
        let mut lease = self.connections.lease().await?;
        let now = self.clock.now();
        let reading = Reading::new(&load.select);
        let query = self.query_for(&reading, load.guard.handle, now);
        let rows = rows(query, &mut lease, reading.has_one_row()).await?;
        lease.give_back();
        let Some(first) = rows.first() else { return Ok(None) };
        let record = record_bytes(first)?.to_vec();
        let mut names = reading.names_at().map(|at| row::names(first, at)).transpose()?;
        let attributes = reading.attributes(rows, now)?;
        if load.select.names && names.is_none() {
            names = Some(names_of(&attributes));
        }
        Ok(Some(Snapshot { record, now, attributes, names }))
    }

    fn query_for(&self, reading: &Reading<'_>, handle: Handle, now: Timestamp) -> Query {
        let read = &self.sql.read;
        let query = match reading {
            Reading::Record => query(&read.record),
            Reading::Names => query(&read.record_names).bind(millis(now)),
            Reading::Named([name]) => query(&read.record_value).bind(name.as_str()),
            Reading::Named(wanted) => query(&read.record_values).bind(json(*wanted)),
            Reading::NamedAndNames(wanted) => query(&read.record_values_names).bind(json(*wanted)),
            Reading::All => query(&read.record_all_values),
        };
        let query = bind_handle(query, handle);
        if matches!(reading, Reading::NamedAndNames(_)) { query.bind(millis(now)) } else { query }
    }
}

/// What one statement is to read.
enum Reading<'a> {
    Record,
    /// The names as well.
    Names,
    /// These values as well.
    Named(&'a [Name]),
    /// These values and the names as well.
    NamedAndNames(&'a [Name]),
    /// All values as well.
    All,
}

impl<'a> Reading<'a> {
    fn new(select: &'a Select) -> Self {
        match (&select.values, select.names) {
            (Wanted::Everything, _) => Self::All,
            (Wanted::Named(wanted), names) if !wanted.is_empty() => {
                if names {
                    Self::NamedAndNames(wanted)
                } else {
                    Self::Named(wanted)
                }
            }
            (Wanted::Named(_) | Wanted::Nothing, true) => Self::Names,
            (Wanted::Named(_) | Wanted::Nothing, false) => Self::Record,
        }
    }
}

impl Reading<'_> {
    /// Returns whether there is one row at most.
    fn has_one_row(&self) -> bool {
        matches!(self, Self::Record | Self::Names | Self::Named([_]))
    }

    /// Returns in which column the names are.
    fn names_at(&self) -> Option<usize> {
        match self {
            Self::Names => Some(1),
            Self::NamedAndNames(_) => Some(5),
            Self::Record | Self::Named(_) | Self::All => None,
        }
    }

    fn attributes(&self, rows: Vec<SqliteRow>, now: Timestamp) -> Result<Vec<StoredAttribute>, sqlx::Error> {
        match self {
            Self::Record | Self::Names => Ok(Vec::new()),
            Self::Named(wanted) | Self::NamedAndNames(wanted) => live(rows, 1, wanted, now),
            Self::All => live(rows, 1, &[], now),
        }
    }
}

fn names_of(attributes: &[StoredAttribute]) -> Vec<Name> {
    let mut names: Vec<_> = attributes.iter().map(|attribute| attribute.name.clone()).collect();
    names.sort_unstable();
    names
}
