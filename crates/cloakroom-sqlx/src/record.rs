//! A [`Record`] as the bytes of one column.

use std::fmt;

use cloakroom_core::{InvalidRecord, Record, Timestamp};

/// How a record is written. Records of another format are left to whoever understands them.
pub(crate) const FORMAT: u8 = Record::FORMAT;

/// Writes the record as bytes.
pub(crate) fn encode(record: &Record) -> Vec<u8> {
    record.to_bytes()
}

/// Reads a record.
pub(crate) fn decode(bytes: &[u8]) -> Result<Record, Damaged> {
    Ok(Record::from_bytes(bytes)?)
}

/// Reads a record without its recent commits: enough to decide on a load, and not to be stored again.
pub(crate) fn decode_for_load(bytes: &[u8]) -> Result<Record, Damaged> {
    Ok(Record::from_bytes_for_load(bytes)?)
}

/// A row that is not what this version writes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Damaged {
    /// The record was written in this format.
    Format(u8),
    /// This column holds what it should not.
    Column(&'static str),
}

impl From<InvalidRecord> for Damaged {
    fn from(invalid: InvalidRecord) -> Self {
        match invalid {
            InvalidRecord::Format(found) => Self::Format(found),
            InvalidRecord::Damaged => Self::Column("record"),
        }
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(found) => InvalidRecord::Format(*found).fmt(f),
            Self::Column(column) => write!(f, "the column `{column}` does not hold what it should"),
        }
    }
}

impl std::error::Error for Damaged {}

impl From<Damaged> for sqlx::Error {
    fn from(damaged: Damaged) -> Self {
        Self::Decode(Box::new(damaged))
    }
}

/// Returns a moment as SQL holds it. What is too late for that is as good as never.
pub(crate) fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
