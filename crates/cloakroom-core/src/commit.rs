use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;

use crate::ended::Ended;
use crate::error::Error;
use crate::limits::{Limits, OverLimit};
use crate::text::{Label, Name, Principal};
use crate::ticket::{Guard, Proof, Seed, random};
use crate::time::{Timestamp, Version};

/// Applies what one request did to one session: all of it, or nothing.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Names this commit, so that trying it again gives the first answer.
    pub id: CommitId,
    /// The session, and the ticket that asks. For a new session: its first ticket.
    pub guard: Guard,
    /// Whether this makes a session or changes one.
    pub intent: Intent,
    /// What changes.
    pub changes: Changes,
    /// How much the session may hold afterwards.
    pub limits: Limits,
    /// How long ago the request made these changes: zero, unless a decorator held them back. The access is recorded
    /// as of then, and whether the session was live is judged as of then: one that has expired since takes the commit, unless
    /// it was removed, handed out or to be ended meanwhile.
    pub age: Duration,
    /// How many commits of requests this is: one, unless a decorator has made one of several. The version counts on by so
    /// many.
    pub stands_for: NonZeroU32,
}

/// 128 random bits that name a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CommitId([u8; 16]);

impl CommitId {
    /// Draws a new id.
    ///
    /// # Errors
    ///
    /// When the operating system has no random bytes.
    pub fn generate() -> Result<Self, Error> {
        random().map(Self)
    }

    /// Wraps the 16 bytes that a store kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the 16 bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Whether a commit makes a session or changes one.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum Intent {
    /// Make a session; if the handle exists, the answer is [`Outcome::Taken`]. Every attribute is absent beforehand, so
    /// expectations say nothing, and [`Changes::ticket`] must be `None`: the first ticket is the guard's.
    Create(Creation),
    /// Change a session that must exist; if it does not, the answer is [`Outcome::Gone`].
    Change,
}

/// The terms of a new session.
#[derive(Clone, Debug)]
pub struct Creation {
    /// How long it lives without an access.
    pub max_inactive_interval: Duration,
    /// How long it lives whatever the activity.
    pub max_lifetime: Option<Duration>,
    /// Who signs in to it, if it is created by a sign-in.
    pub bind: Option<Bind>,
}

/// Binds a principal to a session.
#[derive(Clone, Debug)]
pub struct Bind {
    /// Who signs in.
    pub principal: Principal,
    /// How many sessions they may have, this one included. `None`: any number.
    pub max_sessions: Option<MaxSessions>,
}

/// How many sessions a principal may have, and what a further sign-in does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxSessions {
    /// The most at a time; at least 1.
    pub count: u32,
    /// What a sign-in does when they are that many already.
    pub at_limit: AtLimit,
}

/// What a sign-in does when its principal has as many sessions as allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum AtLimit {
    /// It is refused: [`Outcome::OverLimit`].
    Refuse,
    /// The sessions signed in to the longest ago end.
    EndOldest,
}

/// What one request did to one session.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Removes every attribute, before `attributes` is applied.
    pub clear: bool,
    /// Changes to single attributes; each name at most once.
    pub attributes: Vec<AttributeChange>,
    /// Sets this session's own max inactive interval.
    pub max_inactive_interval: Option<Duration>,
    /// Replaces the ticket.
    pub ticket: Option<TicketChange>,
    /// Sets the label.
    pub label: Option<Label>,
}

/// A change to one attribute.
#[derive(Clone, Debug)]
pub struct AttributeChange {
    /// Which attribute.
    pub name: Name,
    /// What to do with it.
    pub edit: Edit,
    /// What it must be beforehand; otherwise the whole commit is a [`Conflict`].
    pub expect: Option<Expect>,
}

/// What to do with an attribute. `Debug` does not show the value.
#[derive(Clone)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum Edit {
    /// Store this value.
    Set {
        /// The value.
        value: Bytes,
        /// How long it is kept, unless the session ends first. `None`: as long as the session.
        ttl: Option<Duration>,
    },
    /// Remove it; nothing happens if it is absent.
    Remove,
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set { value, ttl } => write!(f, "Set({} bytes, ttl: {ttl:?})", value.len()),
            Self::Remove => f.write_str("Remove"),
        }
    }
}

/// What an attribute must be before a commit. An attribute whose time to live has passed is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum Expect {
    /// It does not exist.
    Absent,
    /// It exists and was last written by the commit of this version.
    Revision(Version),
}

/// How a commit replaces the session's ticket. The handle stays.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum TicketChange {
    /// A renewal: the ticket before it stays valid for the grace, and only that one.
    Renew {
        /// The proof of the new ticket, which is [`Ticket::successor`](crate::Ticket::successor) of the one that asks.
        proof: Proof,
        /// The seed that it was derived with.
        seed: Seed,
        /// How long the ticket before it stays valid.
        grace: Duration,
    },
    /// A sign-in: the ticket before it opens nothing any more. For the grace it is remembered as superseded.
    SignIn {
        /// The proof of the new ticket.
        proof: Proof,
        /// How long the ticket before it is remembered as superseded.
        grace: Duration,
        /// Who signs in. Another principal that was bound before is unbound.
        bind: Bind,
    },
}

/// The answer to a [`Commit`]. Only `Committed` has changed anything.
#[derive(Clone, Debug)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every case")]
pub enum Outcome {
    /// All of it is stored.
    Committed(Committed),
    /// The session is not there to be changed.
    Gone(Gone),
    /// Something is not as the commit expects.
    Conflict(Conflict),
    /// A session of this handle exists already.
    Taken,
    /// A limit would be passed.
    OverLimit(OverLimit),
}

/// What a commit that was applied did.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The session's version now.
    pub version: Version,
    /// The store's time of the commit.
    pub now: Timestamp,
    /// What became of the change of ticket.
    pub ticket: TicketFate,
    /// The sessions of the same principal that had to end for this sign-in.
    pub ended: Vec<Ended>,
}

/// What became of a commit's [`TicketChange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every case")]
pub enum TicketFate {
    /// None was asked for.
    Kept,
    /// The new ticket is the current one.
    Changed,
    /// Another request had renewed the ticket already; the rest of the commit was applied. With the seed as long as the
    /// new ticket was not seen in use.
    AlreadyRenewed(Option<Seed>),
    /// Another request had signed the same principal in already, and this one's ticket is worth nothing any more. They
    /// are signed in; nothing of this commit was applied.
    AlreadySignedIn,
}

/// Why a session is not there to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every case")]
pub enum Gone {
    /// It does not exist, has ended, or the ticket does not open it.
    Absent,
    /// A sign-in has replaced the ticket that asks, within its grace.
    Superseded,
}

/// What was not as a commit expected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every case")]
pub enum Conflict {
    /// This attribute is not what [`Expect`] says.
    Attribute(Name),
    /// Another principal has signed in to the session in the meantime.
    Principal,
}
