use cloakroom_core::{Commit, Handle, Invalidate, Load, Principal, Sweep};

/// What was asked of a [`Faulty`](super::Faulty) store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Call {
    /// A load, or a fetch.
    Load(Load),
    /// A commit.
    Commit(Box<Commit>),
    /// An invalidation.
    Invalidate(Invalidate),
    /// A list of this principal's sessions.
    SessionsOf(Principal),
    /// A sweep.
    Sweep(Sweep),
    /// An acknowledgement of these sessions.
    Acknowledge(Vec<Handle>),
    /// A ping.
    Ping,
}

impl Call {
    /// Returns which operation this was.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match self {
            Self::Load(_) => Operation::Load,
            Self::Commit(_) => Operation::Commit,
            Self::Invalidate(_) => Operation::Invalidate,
            Self::SessionsOf(_) => Operation::SessionsOf,
            Self::Sweep(_) => Operation::Sweep,
            Self::Acknowledge(_) => Operation::Acknowledge,
            Self::Ping => Operation::Ping,
        }
    }
}

/// An operation of a store that takes time, and so may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// [`Store::load`](cloakroom_core::Store::load), also without a touch.
    Load,
    /// [`Store::commit`](cloakroom_core::Store::commit), of either intent.
    Commit,
    /// [`Store::invalidate`](cloakroom_core::Store::invalidate).
    Invalidate,
    /// [`Store::sessions_of`](cloakroom_core::Store::sessions_of).
    SessionsOf,
    /// [`Store::sweep`](cloakroom_core::Store::sweep).
    Sweep,
    /// [`Store::acknowledge`](cloakroom_core::Store::acknowledge).
    Acknowledge,
    /// [`Store::ping`](cloakroom_core::Store::ping).
    Ping,
}

impl Operation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Commit => "commit",
            Self::Invalidate => "invalidate",
            Self::SessionsOf => "sessions of",
            Self::Sweep => "sweep",
            Self::Acknowledge => "acknowledge",
            Self::Ping => "ping",
        }
    }
}
