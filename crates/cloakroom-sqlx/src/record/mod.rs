//! A [`Record`] as the bytes of one column.
//!
//! One value for all of it, because a driver's cost grows with the number of values in a row far more than with their
//! bytes: reading these fields from columns of their own took SQLite 17,000 instructions more for each load.
//!
//! All numbers are big-endian; times and intervals are milliseconds.
//!
//! | bytes | field | |
//! |---|---|---|
//! | 1 | format | 1 |
//! | 1 | which of the fields below there are, and what replaced the previous ticket | |
//! | 32 | proof | always |
//! | 8 each | version, ticket issued at, created at, accessed at, max inactive interval, bytes | always |
//! | 4 | attributes | always |
//! | 32 + 8 | previous proof, until | if there is a previous ticket |
//! | 16 | seed | if a renewal replaced it, and it is not forgotten yet |
//! | 8 each | ends at, signed in at, next lapse | each if it is set |
//! | 2 + n | principal | if it is set |
//! | 2 + n | label | if it is set |
//! | the rest | recent commits | |

mod read;
mod write;

use std::fmt;

use cloakroom_core::Timestamp;

pub(crate) use self::read::{decode, decode_for_load};
pub(crate) use self::write::encode;

/// How a record is written. Records of another format are left to whoever understands them.
pub(crate) const FORMAT: u8 = 1;

const PREVIOUS: u8 = 1;
const BY_SIGN_IN: u8 = 1 << 1;
const MORE: u8 = 1 << 2;
const ENDS_AT: u8 = 1 << 3;
const SIGNED_IN_AT: u8 = 1 << 4;
const NEXT_LAPSE: u8 = 1 << 5;
const PRINCIPAL: u8 = 1 << 6;
const LABEL: u8 = 1 << 7;

/// A row that is not what this version writes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Damaged {
    /// The record was written in this format.
    Format(u8),
    /// This column holds what it should not.
    Column(&'static str),
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(found) => {
                write!(f, "the record has format {found}, and this version reads {FORMAT}")
            }
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

#[cfg(test)]
mod tests;
