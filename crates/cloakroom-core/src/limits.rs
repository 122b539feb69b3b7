use std::fmt;

use crate::text::Name;

/// How much one session may hold. Checked within each commit, against counts that the store keeps.
///
/// A commit that leaves a session no larger than it was is never refused, so that lowering a limit locks nobody out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one attribute's value. 256 KiB by default.
    pub attribute_bytes: u64,
    /// Bytes of all names and values together. 1 MiB by default.
    pub session_bytes: u64,
    /// Number of attributes. 1,024 by default.
    pub attributes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { attribute_bytes: 256 << 10, session_bytes: 1 << 20, attributes: 1024 }
    }
}

/// Which limit a commit ran into.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The bytes of this attribute's value.
    AttributeBytes(Name),
    /// The bytes of the whole session.
    SessionBytes,
    /// The number of attributes.
    Attributes,
    /// The length of an attribute's name, in bytes.
    NameBytes,
    /// The number of sessions that a principal may have.
    SessionsOfPrincipal,
}

/// A limit that a commit ran into, and how much it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverLimit {
    /// Which limit.
    pub limit: Limit,
    /// The most that it allows.
    pub max: u64,
}

impl fmt::Display for OverLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = self.max;
        match &self.limit {
            Limit::AttributeBytes(name) => write!(f, "attribute {name:?} is larger than {max} bytes"),
            Limit::SessionBytes => write!(f, "the session is larger than {max} bytes"),
            Limit::Attributes => write!(f, "the session has more than {max} attributes"),
            Limit::NameBytes => write!(f, "an attribute's name is longer than {max} bytes"),
            Limit::SessionsOfPrincipal => write!(f, "the principal has {max} sessions already"),
        }
    }
}

impl std::error::Error for OverLimit {}
