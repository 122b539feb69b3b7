use bytes::Bytes;
use cloakroom_core::{
    EndReason, Ended, Handle, Name, Record, SessionInfo, StoredAttribute, Timestamp, Version,
};
use sqlx::error::UnexpectedNullError;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type};

use crate::record::{Damaged, decode_for_load};

/// From this size on a value stays in the driver's buffer instead of being copied out of it. Below, the copy is cheaper
/// than what else the row would hold on to.
const SHARED_FROM: usize = 4096;

/// Reads a column of a type; NULL and another type are errors, never a panic.
pub(super) fn column<'r, T>(row: &'r SqliteRow, at: usize) -> Result<T, sqlx::Error>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    optional(row, at)?.ok_or_else(|| sqlx::Error::Decode(Box::new(UnexpectedNullError)))
}

/// Reads a column of a type, or NULL.
fn optional<'r, T>(row: &'r SqliteRow, at: usize) -> Result<Option<T>, sqlx::Error>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get(at)
}

/// Reads the bytes of the record in the first column.
pub(super) fn record_bytes(row: &SqliteRow) -> Result<&[u8], sqlx::Error> {
    column(row, 0)
}

/// Reads an attribute from four columns beginning at `at`; `None` if the row has none.
///
/// `known` are names that were asked for: the one that is found need not be made anew.
pub(super) fn attribute(
    row: SqliteRow,
    at: usize,
    known: &[Name],
) -> Result<Option<StoredAttribute>, sqlx::Error> {
    let Some(text) = optional::<&str>(&row, at)? else { return Ok(None) };
    let name = match known.iter().find(|name| name.as_str() == text) {
        Some(name) => name.clone(),
        None => name(text)?,
    };
    let (revision, lapses_at) = (Version(number(&row, at + 1, "revision")?), lapse(&row, at + 2)?);
    Ok(Some(StoredAttribute { name, value: value(row, at + 3)?, revision, lapses_at }))
}

/// What is known of an attribute without reading its value.
pub(super) struct SizedAttribute {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) revision: Version,
    pub(super) lapses_at: Option<Timestamp>,
}

/// Reads an attribute with its size from four columns beginning at `at`; `None` if the row has none.
pub(super) fn sized_attribute(row: &SqliteRow, at: usize) -> Result<Option<SizedAttribute>, sqlx::Error> {
    let Some(name) = optional::<&str>(row, at)? else { return Ok(None) };
    Ok(Some(SizedAttribute {
        name: name.to_owned(),
        bytes: number(row, at + 3, "value")?,
        revision: Version(number(row, at + 1, "revision")?),
        lapses_at: lapse(row, at + 2)?,
    }))
}

/// A session that may have to end.
pub(super) struct Candidate {
    pub(super) handle: Handle,
    pub(super) record: Record,
    names: Vec<Name>,
}

impl Candidate {
    pub(super) fn read(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            handle: handle(row, 1)?,
            record: decode_for_load(record_bytes(row)?)?,
            names: names(row, 2)?,
        })
    }

    pub(super) fn handle_bytes(&self) -> &[u8] {
        self.handle.as_bytes()
    }

    pub(super) fn ended(self, reason: EndReason) -> Ended {
        Ended {
            handle: self.handle,
            principal: self.record.principal,
            names: self.names,
            attributes: Vec::new(),
            reason,
            created_at: self.record.created_at,
            accessed_at: self.record.accessed_at,
        }
    }
}

/// Returns the bytes of a candidate's handle, also where the rest of the row cannot be read.
pub(super) fn raw_handle(row: &SqliteRow) -> &[u8] {
    column(row, 1).unwrap_or_default()
}

/// Returns what was read of one session among many. One that cannot be read must not harm the others: it is logged.
pub(super) fn readable<T>(session: Result<T, sqlx::Error>) -> Option<T> {
    session
        .inspect_err(|error| tracing::error!(%error, "a stored session cannot be read, and is left out"))
        .ok()
}

/// Reads what a list tells of a session from its record and its handle.
pub(super) fn info(row: &SqliteRow) -> Result<(Record, SessionInfo), sqlx::Error> {
    let record = decode_for_load(record_bytes(row)?)?;
    let info = SessionInfo {
        handle: handle(row, 1)?,
        created_at: record.created_at,
        accessed_at: record.accessed_at,
        signed_in_at: record.signed_in_at,
        label: record.label.clone(),
    };
    Ok((record, info))
}

/// Reads names that stand in one value, a line for each, and sorts them.
pub(super) fn names(row: &SqliteRow, at: usize) -> Result<Vec<Name>, sqlx::Error> {
    let lines = optional::<&str>(row, at)?;
    let mut names =
        lines.map_or(Ok(Vec::new()), |lines| lines.split('\n').map(name).collect::<Result<Vec<_>, _>>())?;
    names.sort_unstable();
    Ok(names)
}

pub(super) fn lapse(row: &SqliteRow, at: usize) -> Result<Option<Timestamp>, sqlx::Error> {
    let millis = optional::<i64>(row, at)?.map(u64::try_from).transpose();
    let millis = millis.map_err(|_| Damaged::Column("lapses_at"))?;
    Ok(millis.map(Timestamp::from_millis))
}

pub(super) fn number(row: &SqliteRow, at: usize, name: &'static str) -> Result<u64, sqlx::Error> {
    u64::try_from(column::<i64>(row, at)?).map_err(|_| Damaged::Column(name).into())
}

fn name(text: &str) -> Result<Name, sqlx::Error> {
    Name::new(text.to_owned()).map_err(|_| Damaged::Column("name").into())
}

fn handle(row: &SqliteRow, at: usize) -> Result<Handle, sqlx::Error> {
    let bytes = column::<&[u8]>(row, at)?.try_into();
    bytes.map(Handle::from_bytes).map_err(|_| Damaged::Column("handle").into())
}

fn value(row: SqliteRow, at: usize) -> Result<Bytes, sqlx::Error> {
    let bytes = column::<&[u8]>(&row, at)?;
    Ok(if bytes.len() < SHARED_FROM {
        Bytes::copy_from_slice(bytes)
    } else {
        Bytes::from_owner(InRow { row, at })
    })
}

/// A value that stays where the driver has put it.
struct InRow {
    row: SqliteRow,
    at: usize,
}

impl AsRef<[u8]> for InRow {
    fn as_ref(&self) -> &[u8] {
        column(&self.row, self.at).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
