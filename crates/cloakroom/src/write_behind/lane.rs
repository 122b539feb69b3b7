use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// Puts in doubt what is known of sessions that are about to end, and again when this is dropped, whether or not the store has
/// answered: what was loaded meanwhile may be from before the end.
#[derive(Debug)]
#[must_use]
pub(super) struct Ending(Vec<Arc<Lane>>);

impl Ending {
    pub(super) fn begin(lanes: Vec<Arc<Lane>>) -> Self {
        let ending = Self(lanes);
        ending.doubt();
        ending
    }

    fn doubt(&self) {
        self.0.iter().for_each(|lane| lane.state().doubt());
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.doubt();
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
