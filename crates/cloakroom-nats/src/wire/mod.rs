//! What the messages of a stream hold.

mod due;
mod manifest;
mod principal;
mod reader;
mod writer;

use std::fmt;

use cloakroom_core::InvalidRecord;

pub(crate) use self::due::Due;
pub(crate) use self::manifest::{Attribute, Body, Manifest, Place, Value};
pub(crate) use self::principal::{Index, Listed, Turn};

/// How messages are written. Those of another format are left to whoever understands them.
const FORMAT: u8 = 1;

/// A message that is not what this version writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damaged {
    /// It was written in this format.
    Format(u8),
    /// It does not hold what it should.
    Content,
    /// A part of an attribute's value is not in the stream.
    Lost,
}

impl From<InvalidRecord> for Damaged {
    fn from(invalid: InvalidRecord) -> Self {
        match invalid {
            InvalidRecord::Format(found) => Self::Format(found),
            InvalidRecord::Damaged => Self::Content,
        }
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(found) => {
                write!(f, "the message has format {found}, and this version reads {FORMAT}")
            }
            Self::Content => f.write_str("the message does not hold what it should"),
            Self::Lost => f.write_str("a value that the session names is not in the stream"),
        }
    }
}

impl std::error::Error for Damaged {}
