mod claims;

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{DynStore, Ended, Error, ErrorKind, Handle, MAX_INTERVAL, Select, Store, Sweep};
use tokio::time::Instant;

use self::claims::Claims;
use crate::at_rest::AtRest;
use crate::error::Chain;
use crate::events::Events;
use crate::telemetry;

/// Removes expired sessions from a store, again and again.
///
/// Expired sessions open nothing whether or not they are swept; sweeping frees their room. Every server may run one: they
/// share the work, and each starts at a moment of its own. A failing store is logged and tried again at the next turn.
///
/// Made by [`SessionLayer::sweeper`](crate::SessionLayer::sweeper) of a layer with listeners, it tells them of each session
/// that has expired: it claims some, tells of them, and removes those that the listeners have returned from.
/// See [`SessionListener`](crate::SessionListener).
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
    lease: Duration,
    events: Option<Arc<Events>>,
    at_rest: AtRest,
    claims: Claims,
}

/// How many sessions are claimed at a time, at most: a server that dies lets others tell of as many once more.
const MOST_CLAIMED: u32 = 100;

/// What one turn of a sweeper did.
struct Swept {
    removed: usize,
    /// Whether everything was removed that had expired when it began.
    complete: bool,
}

impl Sweeper {
    /// Makes a sweeper of a store. It tells nobody.
    pub fn new(store: impl Store) -> Self {
        Self::of(Arc::new(store), None, AtRest::default())
    }

    pub(crate) fn of(store: Arc<dyn DynStore>, events: Option<Arc<Events>>, at_rest: AtRest) -> Self {
        Self {
            store,
            every: Duration::from_secs(60),
            batch: 500,
            timeout: Duration::from_secs(30),
            lease: Duration::from_secs(60),
            events,
            at_rest,
            claims: Claims::default(),
        }
    }

    /// Sets how often it sweeps. Once a minute by default, give or take a fifth.
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval.clamp(Duration::from_millis(1), MAX_INTERVAL);
        self
    }

    /// Sets how many sessions it removes in one step. 500 by default; at least 1; and at most 100 where listeners are told.
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

    /// Sets for how long it claims the sessions that it tells listeners of. One minute by default, and at least a second and
    /// four times what all [listeners may take](crate::SessionLayer::listener_timeout) for one event; it begins to tell of
    /// them in the first half of that. Should this server die meanwhile, others tell of them after that.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.clamp(Duration::from_secs(1), MAX_INTERVAL);
        self
    }

    /// Sweeps until the task that runs it ends.
    ///
    /// Each turn is logged with its lag in milliseconds: the longest that a session which had expired may have waited for
    /// its removal, as far as this sweeper knows. It is about [`every`](Self::every), and more where the sweeper cannot keep
    /// up or the store fails.
    pub async fn run(self) {
        let mut clean_since = Instant::now();
        loop {
            tokio::time::sleep(self.pause()).await;
            let began = Instant::now();
            let swept = self.sweep_once().await;
            let lag = clean_since.elapsed();
            if matches!(swept, Ok(Swept { complete: true, .. })) {
                clean_since = began;
            }
            log(&swept, lag);
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
        self.sweep_once().await.map(|swept| swept.removed)
    }

    async fn sweep_once(&self) -> Result<Swept, Error> {
        let mut removed = 0;
        loop {
            let (found, gone, limit) = match &self.events {
                None => self.remove_some().await?,
                Some(events) => self.tell_of_some(events).await?,
            };
            removed += gone;
            telemetry::expired(gone);
            // A store in memory never waits by itself.
            tokio::task::yield_now().await;
            if found < limit as usize || gone < found {
                return Ok(Swept { removed, complete: gone == found });
            }
        }
    }

    /// Removes a batch. Returns how many there were, how many of them are gone, and how many there could have been.
    async fn remove_some(&self) -> Result<(usize, usize, u32), Error> {
        let ended = self.expired(self.batch, None, Select::default()).await?;
        Ok((ended.len(), ended.len(), self.batch))
    }

    /// Claims a batch, and removes the sessions in it that the listeners have been told of.
    async fn tell_of_some(&self, events: &Events) -> Result<(usize, usize, u32), Error> {
        let limit = self.batch.min(MOST_CLAIMED);
        let lease = self.lease.max(events.patience().saturating_mul(2)).min(MAX_INTERVAL);
        let until = claims::half(lease);
        let ended = self.expired(limit, Some(lease), events.select()).await?;
        let found = ended.len();
        let told = self.claims.tell(events, ended, until).await;
        self.acknowledge(&told).await?;
        self.claims.removed(&told);
        Ok((found, told.len(), limit))
    }

    async fn expired(
        &self,
        limit: u32,
        lease: Option<Duration>,
        select: Select,
    ) -> Result<Vec<Ended>, Error> {
        let _timer = telemetry::timed("sweep");
        let sweep = Sweep { limit, lease, select };
        let ended = tokio::time::timeout(self.timeout, (*self.store).dyn_sweep(&sweep)).await;
        let mut ended = ended.unwrap_or_else(|_| Err(Error::of(ErrorKind::Timeout, "sweep")))?;
        for session in &mut ended {
            self.at_rest.open(session.handle, &mut session.attributes);
        }
        Ok(ended)
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        if handles.is_empty() {
            return Ok(());
        }
        let _timer = telemetry::timed("acknowledge");
        let done = tokio::time::timeout(self.timeout, (*self.store).dyn_acknowledge(handles)).await;
        done.unwrap_or_else(|_| Err(Error::of(ErrorKind::Timeout, "acknowledge")))
    }

    /// Servers that were started together must not sweep together.
    fn pause(&self) -> Duration {
        let chance = RandomState::new().hash_one(0) % 1000;
        self.every.mul_f64(0.8 + 0.4 * chance as f64 / 1000.0)
    }
}

fn log(swept: &Result<Swept, Error>, lag: Duration) {
    let lag_ms = lag.as_millis() as u64;
    telemetry::swept(result_of(swept), lag);
    match swept {
        Ok(Swept { removed: 0, complete: true }) => {}
        Ok(Swept { removed, .. }) => tracing::debug!(removed, lag_ms, "expired sessions removed"),
        Err(error) => {
            tracing::warn!(error = %Chain(error), lag_ms, "cannot sweep expired sessions; trying again later");
        }
    }
}

fn result_of(swept: &Result<Swept, Error>) -> &'static str {
    match swept {
        Ok(Swept { complete: true, .. }) => "complete",
        Ok(Swept { complete: false, .. }) => "incomplete",
        Err(_) => "error",
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
