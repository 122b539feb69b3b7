use cloakroom_core::EndReason;

use super::{Order, SessionDetails};

/// Something that happened to a session.
///
/// All but [`Expired`](Self::Expired) are told on the server whose commit or invalidation the store has acknowledged, at
/// most once: a crash in between loses them. What another request did first is not told again: a renewal that lost the
/// race, a second sign-in of one principal, the end of a session that was gone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// A session was created.
    Created(SessionDetails),
    /// It was given a new ticket, because it was asked to or because the ticket was old. A sign-in is no rotation.
    Rotated(SessionDetails),
    /// A principal has signed in to it. If that created the session, after [`Created`](Self::Created).
    SignedIn(SessionDetails),
    /// It was ended before its time.
    Invalidated(SessionDetails, AskedBy),
    /// It has expired: told on one server, before anything of it is removed from the store. See
    /// [`SessionListener`](super::SessionListener) for how often.
    Expired(SessionDetails, EndReason),
    /// All sessions have ended, by [`SessionRegistry::invalidate_everyone`](crate::SessionRegistry::invalidate_everyone).
    /// None of them is told of on its own.
    EveryoneInvalidated(Order),
}

impl SessionEvent {
    /// Returns what it is called in logs: `created`, `rotated`, `signed_in`, `invalidated`, `expired`, or
    /// `everyone_invalidated`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created(_) => "created",
            Self::Rotated(_) => "rotated",
            Self::SignedIn(_) => "signed_in",
            Self::Invalidated(..) => "invalidated",
            Self::Expired(..) => "expired",
            Self::EveryoneInvalidated(_) => "everyone_invalidated",
        }
    }

    /// Returns the session that it happened to; `None` where that is every session.
    #[must_use]
    pub fn session(&self) -> Option<&SessionDetails> {
        match self {
            Self::Created(session)
            | Self::Rotated(session)
            | Self::SignedIn(session)
            | Self::Invalidated(session, _)
            | Self::Expired(session, _) => Some(session),
            Self::EveryoneInvalidated(_) => None,
        }
    }
}

/// Who asked for a session to end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AskedBy {
    /// A request with the session's own ticket: [`invalidate`](crate::Session::invalidate), `sign_out`, or its own part in
    /// [`invalidate_all`](crate::Session::invalidate_all).
    Request,
    /// The account's owner, from another session of theirs.
    Principal,
    /// The limit on the sessions of a principal: it made room for a sign-in.
    Policy,
    /// An operator, without a request of the visitor: [`SessionRegistry`](crate::SessionRegistry).
    Operator(Order),
}

impl AskedBy {
    /// Returns what it is called in logs: `request`, `principal`, `policy` or `operator`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Principal => "principal",
            Self::Policy => "policy",
            Self::Operator(_) => "operator",
        }
    }

    /// Returns the order, if it was an operator's.
    #[must_use]
    pub fn order(&self) -> Option<&Order> {
        match self {
            Self::Operator(order) => Some(order),
            _ => None,
        }
    }
}
