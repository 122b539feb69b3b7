use bytes::Bytes;
use cloakroom_core::{Handle, Name, StoredAttribute, Timestamp, Version};
use sqlx::error::UnexpectedNullError;
use sqlx::mysql::MySqlRow;
use sqlx::{Decode, MySql, Row as _, Type};

use crate::record::Damaged;

/// From this size on a value stays in the driver's buffer instead of being copied out of it.
const SHARED_FROM: usize = 4096;

/// Reads a column of a type; NULL and another type are errors, never a panic.
fn column<'r, T>(row: &'r MySqlRow, at: usize) -> Result<T, sqlx::Error>
where
    T: Decode<'r, MySql> + Type<MySql>,
{
    row.try_get::<Option<T>, _>(at)?.ok_or_else(|| sqlx::Error::Decode(Box::new(UnexpectedNullError)))
}

pub(super) fn bytes(row: &MySqlRow, at: usize) -> Result<&[u8], sqlx::Error> {
    column(row, at)
}

/// Reads a number that must not be negative. Whether the server calls it unsigned differs.
pub(super) fn number(row: &MySqlRow, at: usize, name: &'static str) -> Result<u64, sqlx::Error> {
    optional_number(row, at, name)?.ok_or_else(|| sqlx::Error::Decode(Box::new(UnexpectedNullError)))
}

fn optional_number(row: &MySqlRow, at: usize, name: &'static str) -> Result<Option<u64>, sqlx::Error> {
    match row.try_get::<Option<i64>, _>(at) {
        Ok(number) => number.map(u64::try_from).transpose().map_err(|_| Damaged::Column(name).into()),
        Err(_) => row.try_get::<Option<u64>, _>(at),
    }
}

pub(super) fn time(row: &MySqlRow, at: usize) -> Result<Timestamp, sqlx::Error> {
    number(row, at, "now").map(Timestamp::from_millis)
}

pub(super) fn lapse(row: &MySqlRow, at: usize) -> Result<Option<Timestamp>, sqlx::Error> {
    Ok(optional_number(row, at, "lapses_at")?.map(Timestamp::from_millis))
}

pub(super) fn name(row: &MySqlRow, at: usize) -> Result<Name, sqlx::Error> {
    let text = std::str::from_utf8(bytes(row, at)?).map_err(|_| Damaged::Column("name"))?;
    Name::new(text.to_owned()).map_err(|_| Damaged::Column("name").into())
}

pub(super) fn handle(row: &MySqlRow, at: usize) -> Result<Handle, sqlx::Error> {
    let bytes = bytes(row, at)?.try_into();
    bytes.map(Handle::from_bytes).map_err(|_| Damaged::Column("handle").into())
}

/// Returns whether a row of attributes is the session's own.
pub(super) fn is_record(row: &MySqlRow, at: usize) -> Result<bool, sqlx::Error> {
    Ok(bytes(row, at)?.is_empty())
}

pub(super) fn is_null(row: &MySqlRow, at: usize) -> Result<bool, sqlx::Error> {
    Ok(row.try_get::<Option<&[u8]>, _>(at)?.is_none())
}

/// Reads an attribute from four columns beginning at `at`.
///
/// `known` are names that were asked for: the one that is found need not be made anew.
pub(super) fn attribute(row: MySqlRow, at: usize, known: &[Name]) -> Result<StoredAttribute, sqlx::Error> {
    let text = bytes(&row, at)?;
    let name = match known.iter().find(|name| name.as_str().as_bytes() == text) {
        Some(name) => name.clone(),
        None => name(&row, at)?,
    };
    let (revision, lapses_at) = (Version(number(&row, at + 1, "revision")?), lapse(&row, at + 2)?);
    Ok(StoredAttribute { name, value: value(row, at + 3)?, revision, lapses_at })
}

fn value(row: MySqlRow, at: usize) -> Result<Bytes, sqlx::Error> {
    let bytes = bytes(&row, at)?;
    Ok(if bytes.len() < SHARED_FROM {
        Bytes::copy_from_slice(bytes)
    } else {
        Bytes::from_owner(InRow { row, at })
    })
}

/// A value that stays where the driver has put it.
struct InRow {
    row: MySqlRow,
    at: usize,
}

impl AsRef<[u8]> for InRow {
    fn as_ref(&self) -> &[u8] {
        bytes(&self.row, self.at).unwrap_or_default()
    }
}

/// Returns what was read of one session among many. One that cannot be read must not harm the others: it is logged.
pub(super) fn readable<T>(session: Result<T, sqlx::Error>) -> Option<T> {
    session
        .inspect_err(|error| tracing::error!(%error, "a stored session cannot be read, and is left out"))
        .ok()
}
