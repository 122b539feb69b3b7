//! The in-memory store, for one process: development, tests, and services that run on a single server.

mod away;
mod clock;
mod held;
mod principals;
mod shard;
mod store;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom_core::{Clock, Handle};

pub(crate) use self::away::{BroughtBack, Content, Leaving, LoadedHere, Room, Swept, is_away};
use self::clock::MonotonicClock;
use self::principals::Principals;
pub(crate) use self::shard::Bounds;
use self::shard::{Left, Shard};

/// Keeps sessions in this process's memory.
///
/// A clone shares the sessions. They are gone when the process ends, and no other server sees them.
///
/// Bounded by [sessions](MemoryStoreBuilder::max_sessions) and by [bytes](MemoryStoreBuilder::max_bytes): past either,
/// the least recently used session is dropped, expired ones first; or goes to disk, where
/// [one is given](MemoryStoreBuilder::passivate_to). Expired sessions leave memory by themselves as others are
/// committed, from five minutes after their end; or as soon as a [`Sweeper`](crate::Sweeper) runs. Time is monotonic:
/// setting the machine's clock changes no session.
///
/// # Examples
///
/// ```
/// use cloakroom::{MemoryStore, SessionLayer};
///
/// let layer = SessionLayer::new(MemoryStore::new());
/// let small = MemoryStore::builder().max_sessions(10_000).max_bytes(64 << 20).build();
/// # let _ = (layer, small);
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

struct Inner {
    /// Locked before any shard, never while one is held.
    principals: Mutex<Principals>,
    /// A power of two of them.
    shards: Box<[Mutex<Shard>]>,
    max_bytes: u64,
    clock: Arc<dyn Clock>,
    namespace: Arc<str>,
}

impl MemoryStore {
    /// Makes an empty store with the default bounds.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Starts building a store with other bounds.
    #[must_use]
    pub fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder::default()
    }

    /// Returns how many sessions are in memory, expired ones that were not removed yet included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Returns whether no session is in memory.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many bytes the sessions take, as counted against [`max_bytes`](MemoryStoreBuilder::max_bytes): names
    /// and values, and an estimate of what surrounds them.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.inner.shards.iter().map(|shard| lock(shard).cost()).sum()
    }
}

/// Shows no session and nobody's name.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("namespace", &self.inner.namespace).finish_non_exhaustive()
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Inner {
    fn shard(&self, handle: Handle) -> MutexGuard<'_, Shard> {
        // A handle is random, so any of its bytes spreads the sessions evenly; the first are the same in every UUID
        // version.
        let index = usize::from(handle.as_bytes()[0]) & (self.shards.len() - 1);
        lock(&self.shards[index])
    }

    fn principals(&self) -> MutexGuard<'_, Principals> {
        lock(&self.principals)
    }

    /// Drops index entries of sessions that have left memory.
    fn unlist(&self, left: &[Left]) {
        if left.iter().all(|(_, principal)| principal.is_none()) {
            return;
        }
        let mut principals = self.principals();
        for (handle, principal) in left {
            if let Some(principal) = principal {
                principals.remove(principal, *handle);
            }
        }
    }
}

/// Every change under these locks is whole before anything can panic, so a poisoned one is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Builds a [`MemoryStore`].
#[derive(Debug)]
pub struct MemoryStoreBuilder {
    max_sessions: usize,
    max_bytes: u64,
    namespace: Arc<str>,
    clock: Option<Arc<dyn Clock>>,
}

impl Default for MemoryStoreBuilder {
    fn default() -> Self {
        Self { max_sessions: 1_000_000, max_bytes: 1 << 30, namespace: "default".into(), clock: None }
    }
}

impl MemoryStoreBuilder {
    /// Sets how many sessions are held at most. 1,000,000 by default; at least 1.
    #[must_use]
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.max_sessions = sessions.max(1);
        self
    }

    /// Sets how many bytes the sessions take at most. 1 GiB by default. A commit that alone needs more is refused with
    /// [`ErrorKind::Full`](cloakroom_core::ErrorKind::Full).
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets what [`Store::about`](cloakroom_core::Store::about) tells as the namespace. `default` unless set. Encrypted values
    /// are bound to it.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<Arc<str>>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets where the time is read, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Makes the store.
    #[must_use]
    pub fn build(self) -> MemoryStore {
        let shards = shards_for(self.max_sessions, self.max_bytes);
        let bounds = Bounds { sessions: self.max_sessions / shards, bytes: self.max_bytes / shards as u64 };
        self.assemble(shards, bounds, bounds.bytes)
    }

    fn assemble(self, shards: usize, bounds: Bounds, max_bytes: u64) -> MemoryStore {
        MemoryStore {
            inner: Arc::new(Inner {
                principals: Mutex::default(),
                shards: (0..shards).map(|_| Mutex::new(Shard::new(bounds))).collect(),
                max_bytes,
                clock: self.clock.unwrap_or_else(|| Arc::new(MonotonicClock::start())),
                namespace: self.namespace,
            }),
        }
    }
}

/// As many as keep threads out of each other's way, but none so small that chance fills it before the others.
fn shards_for(max_sessions: usize, max_bytes: u64) -> usize {
    let enough = |shards: &usize| max_sessions / shards >= 4096 && max_bytes / *shards as u64 >= 32 << 20;
    [32, 16, 8, 4, 2].into_iter().find(enough).unwrap_or(1)
}
