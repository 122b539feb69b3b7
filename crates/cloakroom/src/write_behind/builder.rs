use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{Clock, Store};

use super::clock::Elapsed;
use super::shared::Shared;
use super::store::WriteBehind;

/// What is tuned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) every: Duration,
    pub(super) max_sessions: usize,
    pub(super) max_bytes: usize,
    pub(super) write_timeout: Duration,
}

/// Sets up a [`WriteBehind`]. Made by [`WriteBehind::builder`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct WriteBehindBuilder<S> {
    store: S,
    settings: Settings,
    clock: Option<Arc<dyn Clock>>,
}

impl<S: Store> WriteBehindBuilder<S> {
    pub(super) fn new(store: S) -> Self {
        let settings = Settings {
            every: Duration::from_secs(10),
            max_sessions: 10_000,
            max_bytes: 64 << 20,
            write_timeout: Duration::from_secs(5),
        };
        Self { store, settings, clock: None }
    }

    /// Sets the longest that a commit is held back before it is written. 10 seconds by default. For each session it is
    /// never more than a tenth of the session's own max inactive interval, and a random time between half and the whole of
    /// that, so that sessions which were created together are not written together.
    pub fn every(mut self, interval: Duration) -> Self {
        self.settings.every = interval;
        self
    }

    /// Sets how many sessions may have something held back. 10,000 by default; 0: nothing is ever held back. Past it all that
    /// is held back is written at once, and further commits wait for the store.
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.settings.max_sessions = sessions;
        self
    }

    /// Sets how many bytes may be held back: names and values, about 100 bytes for each attribute, and 512 for each session.
    /// 64 MiB by default; 0: nothing is ever held back. Past it, as past [`max_sessions`](Self::max_sessions).
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_bytes = bytes;
        self
    }

    /// Sets how long one write in the background may take. 5 seconds by default. One that takes longer is tried again, with
    /// the same id, so that it is applied once. When the last handle is dropped, what is held back is tried for so long.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.settings.write_timeout = timeout;
        self
    }

    /// Sets the clock of this node, from which the ages of commits are told. Tokio's by default; a test may set the store's own.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Makes the store.
    pub fn build(self) -> WriteBehind<S> {
        let clock = self.clock.unwrap_or_else(|| Arc::new(Elapsed::start()));
        WriteBehind::of(Shared::new(self.store, self.settings, clock))
    }
}
