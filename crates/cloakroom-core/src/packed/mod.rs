//! A [`Record`] as bytes, for a store that keeps it as one value.
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

use self::read::{decode, decode_for_load};
use self::write::encode;
use crate::record::Record;

const FORMAT: u8 = 1;

const PREVIOUS: u8 = 1;
const BY_SIGN_IN: u8 = 1 << 1;
const MORE: u8 = 1 << 2;
const ENDS_AT: u8 = 1 << 3;
const SIGNED_IN_AT: u8 = 1 << 4;
const NEXT_LAPSE: u8 = 1 << 5;
const PRINCIPAL: u8 = 1 << 6;
const LABEL: u8 = 1 << 7;

/// Bytes that are no [`Record`] as this version writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum InvalidRecord {
    /// They were written in this format, which another version may understand.
    Format(u8),
    /// They are damaged.
    Damaged,
}

impl fmt::Display for InvalidRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(found) => {
                write!(f, "the record has format {found}, and this version reads {FORMAT}")
            }
            Self::Damaged => f.write_str("the record is damaged"),
        }
    }
}

impl std::error::Error for InvalidRecord {}

impl Record {
    /// The format of [`to_bytes`](Self::to_bytes), which is its first byte. Records of another format are left to whoever
    /// understands them.
    pub const FORMAT: u8 = FORMAT;

    /// Writes the record as bytes, for a store that keeps it as one value.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// When it is anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidRecord> {
        decode(bytes)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote, without the recent commits: enough to decide on a load, and not to
    /// be stored again.
    ///
    /// # Errors
    ///
    /// When it is anything else.
    pub fn from_bytes_for_load(bytes: &[u8]) -> Result<Self, InvalidRecord> {
        decode_for_load(bytes)
    }
}

#[cfg(test)]
mod tests;
