use std::time::Duration;

use crate::load::{Select, StoredAttribute};
use crate::text::{Label, Name, Principal};
use crate::ticket::{Guard, Handle};
use crate::time::Timestamp;

/// Which sessions to end. Nothing of an ended session is kept, and no commit brings it back.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum Invalidate {
    /// The session that this ticket opens. The ticket before a renewal may end it within the grace; one that a
    /// sign-in replaced may not.
    Ticket(Guard),
    /// The session of this handle, if this principal is bound to it (`None`: whoever is).
    Handle {
        /// Which session.
        handle: Handle,
        /// Whose it must be.
        owner: Option<Principal>,
    },
    /// Every session of a principal, complete even against a sign-in that races with it.
    Principal {
        /// Whose sessions.
        principal: Principal,
        /// One that is spared.
        except: Option<Handle>,
    },
    /// Every session in the store's namespace. What is left of those that lived may be removed later; no sweep hands it out.
    Everyone,
}

/// The answer to an [`Invalidate`].
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every case")]
pub enum Invalidated {
    /// These sessions have ended. Empty for [`Invalidate::Everyone`], and where there was nothing to end, which is a
    /// success too.
    Done(Vec<Ended>),
    /// A sign-in has replaced the ticket that asked, within its grace. Nothing has ended.
    Superseded,
}

/// A session that has ended, with what a listener may want to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Which session.
    pub handle: Handle,
    /// Who was signed in.
    pub principal: Option<Principal>,
    /// The names of its attributes at the end, sorted. One that lapsed before the end is not among them.
    pub names: Vec<Name>,
    /// The values that a sweep asked for.
    pub attributes: Vec<StoredAttribute>,
    /// Why it ended.
    pub reason: EndReason,
    /// When it was created.
    pub created_at: Timestamp,
    /// The last recorded access.
    pub accessed_at: Timestamp,
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// No access within the max inactive interval.
    Inactive,
    /// The max lifetime was over.
    MaxLifetime,
    /// It was invalidated: on request, or to make room for a sign-in.
    Invalidated,
}

/// Hands out sessions that have expired, each to one caller.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// How many at most.
    pub limit: u32,
    /// `None`: they are removed in the same step. Otherwise each is claimed for this long, and handed out again to
    /// whoever sweeps after that, unless it was acknowledged.
    pub lease: Option<Duration>,
    /// Which attributes' values to hand out (the names always come along).
    pub select: Select,
}

/// A live session in a principal's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Which session.
    pub handle: Handle,
    /// When it was created.
    pub created_at: Timestamp,
    /// The last recorded access.
    pub accessed_at: Timestamp,
    /// When the principal signed in to it.
    pub signed_in_at: Option<Timestamp>,
    /// What the application calls it.
    pub label: Option<Label>,
}
