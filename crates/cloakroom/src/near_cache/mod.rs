//! A cache before a store: a node keeps what it serves.

mod cache;
mod held;
mod listen;
mod snapshot;
mod store;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cloakroom_core::{Clock, Store};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use self::held::Held;

/// Keeps what this node serves in its memory, and drops it when the store tells that it has changed.
///
/// A store around a store that has a [feed](Store::feed): `NatsStore`, and `RedisStore` and `PostgresStore`, these two
/// where `tell_changes` is set on every node. A clone shares the cache.
///
/// # What it promises
///
/// - **One's own changes are seen at once**: a commit or an invalidation goes through to the store, and what was kept of the
///   session is dropped before and after it. Nothing is ever written later. What was loaded meanwhile is kept only if it is
///   as new as the commit.
/// - **Other nodes' changes** (a write, a logout, a sign-in, a new ticket) are seen as soon as the feed tells of them,
///   within milliseconds as a rule, and **never later than [`max_staleness`](NearCacheBuilder::max_staleness)**, two
///   seconds unless set, counted from the moment that the store acknowledged them. The feed proves again and again that it has
///   told everything. Where it has not for that long, every load goes to the store; where it breaks, everything is dropped,
///   and nothing is kept until a new one is whole.
/// - **Each hit is verified**: only the current ticket, by its proof, compared in constant time. The ticket before a renewal
///   is never answered from memory.
/// - **Nothing lives longer**: expiry is judged by monotonic time since the load, and what seems to have expired is left
///   to the store. A suspended machine's clock stands still: for up to `max_staleness` after it wakes, it may answer from
///   before.
/// - **A load may demand more**: [`Freshness::Latest`](cloakroom_core::Freshness) always reads the store, and
///   `AtLeast` what is older than the visitor has seen. What is kept is always read from the source, and never from a copy that
///   the store keeps.
///
/// # What it costs
///
/// - A hit costs no round trip. Its access is recorded beside the request, by a load that reads nothing, as often as the
///   throttle of accesses says and at most once at a time for each session; never more seldom than every tenth of the session's
///   interval, so that none expires that is in use, and again where nothing was heard for that long. If the process dies in
///   that moment, the access is lost.
/// - Memory for what is kept, up to [`max_bytes`](NearCacheBuilder::max_bytes); beyond it the least recently used goes.
/// - The feed: see the store's README.
///
/// A list of names is answered from memory only where all values are there as well, since an attribute that was not read may
/// lapse by itself.
///
/// # Examples
///
/// ```
/// use cloakroom::{NearCache, SessionLayer, Store};
///
/// fn layer(store: impl Store) -> Result<SessionLayer, cloakroom::NoFeed> {
///     let cached = NearCache::builder().max_bytes(64 << 20).build(store)?;
///     Ok(SessionLayer::new(cached))
/// }
/// # assert!(layer(cloakroom::MemoryStore::new()).is_err());
/// ```
pub struct NearCache<S> {
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    store: Arc<S>,
    held: Arc<Held>,
    /// Ends with the last handle.
    listening: OnceLock<AbortOnDropHandle<()>>,
    /// Those that are being recorded.
    accesses: TaskTracker,
}

impl<S: Store> NearCache<S> {
    /// Puts a cache before a store, with the default bounds.
    ///
    /// # Errors
    ///
    /// When the store has no feed.
    ///
    /// # Panics
    ///
    /// As [`build`](NearCacheBuilder::build).
    pub fn new(store: S) -> Result<Self, NoFeed> {
        NearCacheBuilder::default().build(store)
    }
}

impl NearCache<()> {
    /// Starts building a cache with other bounds.
    #[must_use]
    pub fn builder() -> NearCacheBuilder {
        NearCacheBuilder::default()
    }
}

impl<S: Store> NearCache<S> {
    /// Returns how many sessions are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.held.size().0
    }

    /// Returns whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many bytes the sessions take, as counted against [`max_bytes`](NearCacheBuilder::max_bytes): names and
    /// values, and an estimate of what surrounds them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.inner.held.size().1
    }

    /// Waits until no access is being recorded. Await it at graceful stop, after the last request.
    pub async fn settled(&self) {
        self.inner.accesses.wait().await;
    }
}

impl<S> Clone for NearCache<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

/// Shows no session.
impl<S> fmt::Debug for NearCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sessions, bytes) = self.inner.held.size();
        f.debug_struct("NearCache")
            .field("sessions", &sessions)
            .field("bytes", &bytes)
            .finish_non_exhaustive()
    }
}

/// Builds a [`NearCache`].
#[derive(Debug)]
pub struct NearCacheBuilder {
    max_bytes: usize,
    max_staleness: Duration,
    clock: Option<Arc<dyn Clock>>,
}

impl Default for NearCacheBuilder {
    fn default() -> Self {
        Self { max_bytes: 256 << 20, max_staleness: Duration::from_secs(2), clock: None }
    }
}

impl NearCacheBuilder {
    /// Sets how many bytes the sessions take at most. 256 MiB by default.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets for how long after a change on another node this one may answer from before it, at most. Two seconds by
    /// default.
    ///
    /// A feed proves about twice a second that it has told everything. With less than a second here, most loads go to the
    /// store.
    #[must_use]
    pub fn max_staleness(mut self, staleness: Duration) -> Self {
        self.max_staleness = staleness;
        self
    }

    /// Sets where it is read how much time has passed, for tests. Monotonic time unless set.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Puts a cache before a store. It begins to listen to the store with the first load.
    ///
    /// # Errors
    ///
    /// When the store has no feed.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime, where the store needs one to start a feed, as `NatsStore` does: whether there is one is found
    /// out by starting it.
    pub fn build<S: Store>(self, store: S) -> Result<NearCache<S>, NoFeed> {
        if store.feed().is_none() {
            return Err(NoFeed { backend: store.about().backend });
        }
        let accesses = TaskTracker::new();
        // A closed one takes tasks as well; it is over when there are none.
        accesses.close();
        let held = Arc::new(Held::new(self.max_bytes, self.max_staleness, self.clock));
        let inner = Inner { store: Arc::new(store), held, listening: OnceLock::new(), accesses };
        Ok(NearCache { inner: Arc::new(inner) })
    }
}

/// A store that cannot tell of changes, so that no cache before it would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFeed {
    backend: &'static str,
}

impl fmt::Display for NoFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let backend = self.backend;
        write!(f, "a near cache needs a store that tells of changes, and this {backend} store does not")
    }
}

impl std::error::Error for NoFeed {}
