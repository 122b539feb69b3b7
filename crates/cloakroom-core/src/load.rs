use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::text::{Label, Name, Principal};
use crate::ticket::{Guard, Seed};
use crate::time::{Timestamp, Version};

/// Reads a session, and records the access in the same step.
///
/// A *fetch*, which reads more of a session later in the same request, is a load without a touch.
#[derive(Clone, Debug)]
pub struct Load {
    /// The ticket that asks.
    pub guard: Guard,
    /// What to read beside the metadata.
    pub select: Select,
    /// Whether this counts as an access.
    pub touch: Touch,
    /// How new the answer must be, where it could come from a copy.
    pub freshness: Freshness,
}

/// How new an answer must be. A store that keeps no copies has only newest answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum Freshness {
    /// A copy may answer, within the bounds that the store or the cache promises.
    #[default]
    Any,
    /// A copy may answer unless it is older than this version, which the visitor has seen already.
    AtLeast(Version),
    /// No copy may answer.
    Latest,
}

/// What a load reads beside the metadata.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// Whose values.
    pub values: Wanted,
    /// Whether to list the names of all attributes.
    pub names: bool,
}

/// Names of attributes. A constant costs no allocation, and a clone never copies the names.
#[derive(Clone, Debug)]
pub struct Names(Listed);

#[derive(Clone, Debug)]
enum Listed {
    Static(&'static [Name]),
    Shared(Arc<[Name]>),
}

impl Names {
    /// Wraps names that are known when the program is built.
    #[must_use]
    pub const fn from_static(names: &'static [Name]) -> Self {
        Self(Listed::Static(names))
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::from_static(&[])
    }
}

impl Deref for Names {
    type Target = [Name];

    fn deref(&self) -> &[Name] {
        match &self.0 {
            Listed::Static(names) => names,
            Listed::Shared(names) => names,
        }
    }
}

impl<T: Into<Arc<[Name]>>> From<T> for Names {
    fn from(names: T) -> Self {
        Self(Listed::Shared(names.into()))
    }
}

impl FromIterator<Name> for Names {
    fn from_iter<I: IntoIterator<Item = Name>>(names: I) -> Self {
        Self(Listed::Shared(names.into_iter().collect()))
    }
}

/// Which attributes' values a load reads.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum Wanted {
    /// None.
    #[default]
    Nothing,
    /// These, as far as they exist.
    Named(Names),
    /// All.
    Everything,
}

impl Wanted {
    /// Returns whether the attribute of this name is to be read.
    #[must_use]
    pub fn includes(&self, name: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Named(names) => names.iter().any(|wanted| wanted.as_str() == name),
            Self::Everything => true,
        }
    }
}

/// Whether, and how often at most, an access is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum Touch {
    /// This is no access.
    Never,
    /// This is an access; it is recorded unless the last recorded one is younger than this. Whatever is asked, the
    /// throttle is never more than a tenth of the session's max inactive interval.
    AtMostEvery(Duration),
}

/// The answer to a [`Load`].
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every case")]
pub enum Loaded {
    /// The ticket opens this session.
    Open(Box<Opened>),
    /// There is no such session, it has ended, or the ticket does not open it. Which one is not told.
    Absent,
    /// The ticket was replaced by a sign-in within its grace: it opens nothing, and the browser must not be sent a
    /// cookie that would overwrite the one it was given at the sign-in.
    Superseded,
}

/// One snapshot of an open session.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Whether the ticket is the current one.
    pub standing: Standing,
    /// The store's time of this snapshot.
    pub now: Timestamp,
    /// The metadata, from before this access.
    pub meta: Meta,
    /// The selected attributes that exist, in no particular order.
    pub attributes: Vec<StoredAttribute>,
    /// The names of all attributes, sorted, if they were asked for.
    pub names: Option<Vec<Name>>,
}

/// Whether a ticket that opens a session is its current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every case")]
pub enum Standing {
    /// The current ticket.
    Current,
    /// The one immediately before, within the grace of a renewal. With the seed as long as the new ticket was not seen in
    /// use: then its answer may be lost, and the holder of this one can be given it again.
    Previous(Option<Seed>),
}

/// A session's metadata, as a load shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Counts the session's commits.
    pub version: Version,
    /// When the session was created.
    pub created_at: Timestamp,
    /// The last recorded access.
    pub accessed_at: Timestamp,
    /// How long the session lives without an access.
    pub max_inactive_interval: Duration,
    /// When the session ends, whatever the activity.
    pub ends_at: Option<Timestamp>,
    /// When the current ticket was issued.
    pub ticket_issued_at: Timestamp,
    /// Who is signed in.
    pub principal: Option<Principal>,
    /// When they signed in.
    pub signed_in_at: Option<Timestamp>,
    /// What the application calls this session in a list.
    pub label: Option<Label>,
    /// The number of attributes.
    pub attributes: u32,
    /// The bytes of all names and values.
    pub bytes: u64,
}

/// An attribute as a store holds it. `Debug` does not show the value.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredAttribute {
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Bytes,
    /// The version of the commit that last wrote it.
    pub revision: Version,
    /// When it lapses by itself, if it does.
    pub lapses_at: Option<Timestamp>,
}

impl fmt::Debug for StoredAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({} bytes, of version {})", self.name, self.value.len(), self.revision.0)
    }
}
