use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{DynStore, Error, ErrorKind, MAX_INTERVAL, Select, Store, Sweep};

/// Removes expired sessions from a store, again and again.
///
/// Expired sessions open nothing whether or not they are swept; sweeping frees their room. Every server may run one: they
/// share the work, and each starts at a moment of its own. A failing store is logged and tried again at the next turn.
///
/// ```no_run
/// # async fn f() {
/// use std::time::Duration;
/// use cloakroom::{MemoryStore, SessionLayer};
///
/// let layer = SessionLayer::new(MemoryStore::new());
/// let sweeper = tokio::spawn(layer.sweeper().every(Duration::from_secs(60)).run());
/// // ... serve, and when the server stops:
/// sweeper.abort();
/// # }
/// ```
#[must_use = "a sweeper does nothing unless run"]
pub struct Sweeper {
    store: Arc<dyn DynStore>,
    every: Duration,
    batch: u32,
    timeout: Duration,
}

impl Sweeper {
    /// Makes a sweeper of a store.
    pub fn new(store: impl Store) -> Self {
        Self::of(Arc::new(store))
    }

    pub(crate) fn of(store: Arc<dyn DynStore>) -> Self {
        Self { store, every: Duration::from_secs(60), batch: 500, timeout: Duration::from_secs(30) }
    }

    /// Sets how often it sweeps. Once a minute by default, give or take a fifth.
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval.clamp(Duration::from_millis(1), MAX_INTERVAL);
        self
    }

    /// Sets how many sessions it removes in one step. 500 by default; at least 1.
    pub fn batch(mut self, sessions: u32) -> Self {
        self.batch = sessions.max(1);
        self
    }

    /// Sets how long one such step may take. 30 seconds by default: after that the store counts as failing, and is tried
    /// again at the next turn.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sweeps until the task that runs it ends.
    pub async fn run(self) {
        loop {
            tokio::time::sleep(self.pause()).await;
            match self.sweep().await {
                Ok(0) => {}
                Ok(removed) => tracing::debug!(removed, "expired sessions removed"),
                Err(error) => tracing::warn!(%error, "cannot sweep expired sessions; trying again later"),
            }
        }
    }

    /// Sweeps until `shutdown` is ready.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) {
        let mut sweeping = std::pin::pin!(self.run());
        let mut shutdown = std::pin::pin!(shutdown);
        std::future::poll_fn(|cx| match shutdown.as_mut().poll(cx) {
            std::task::Poll::Ready(()) => std::task::Poll::Ready(()),
            std::task::Poll::Pending => sweeping.as_mut().poll(cx),
        })
        .await;
    }

    /// Removes what has expired by now, batch by batch, and returns how many those were.
    ///
    /// # Errors
    ///
    /// When the store fails. What was removed before stays removed.
    pub async fn sweep(&self) -> Result<usize, Error> {
        let mut removed = 0;
        loop {
            let sweep = Sweep { limit: self.batch, lease: None, select: Select::default() };
            let ended = match tokio::time::timeout(self.timeout, (*self.store).dyn_sweep(&sweep)).await {
                Ok(ended) => ended?,
                Err(_) => return Err(Error::of(ErrorKind::Timeout, "sweep")),
            };
            removed += ended.len();
            // A store in memory never waits by itself.
            tokio::task::yield_now().await;
            if ended.len() < self.batch as usize {
                return Ok(removed);
            }
        }
    }

    /// Servers that were started together must not sweep together.
    fn pause(&self) -> Duration {
        let chance = RandomState::new().hash_one(0) % 1000;
        self.every.mul_f64(0.8 + 0.4 * chance as f64 / 1000.0)
    }
}

impl fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweeper")
            .field("every", &self.every)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
