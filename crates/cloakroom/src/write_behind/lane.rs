use std::sync::{Mutex, MutexGuard, PoisonError};

use cloakroom_core::Handle;
use tokio::sync::RwLock;

use super::state::State;

/// One session on this node.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) handle: Handle,
    /// Loads share it; whoever writes to the store has it alone.
    pub(super) turn: RwLock<()>,
    state: Mutex<State>,
}

impl Lane {
    pub(super) fn new(handle: Handle) -> Self {
        Self { handle, turn: RwLock::new(()), state: Mutex::default() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that an operation is going to the store that no commit may be held back behind, until this is dropped.
    pub(super) fn at_once(&self) -> AtOnce<'_> {
        self.state().at_once += 1;
        AtOnce(self)
    }

    /// Begins a write of which it is not known what becomes of it.
    pub(super) fn unanswered(&self) -> Unanswered<'_> {
        Unanswered(Some(self))
    }
}

/// Forgets what is known of the session when it is dropped, unless the store has answered.
#[derive(Debug)]
#[must_use]
pub(super) struct Unanswered<'a>(Option<&'a Lane>);

impl Unanswered<'_> {
    pub(super) fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(lane) = self.0 {
            lane.state().doubt();
        }
    }
}

/// As long as one of these lives, no commit to the session is held back.
#[derive(Debug)]
#[must_use]
pub(super) struct AtOnce<'a>(&'a Lane);

impl Drop for AtOnce<'_> {
    fn drop(&mut self) {
        self.0.state().at_once -= 1;
    }
}
