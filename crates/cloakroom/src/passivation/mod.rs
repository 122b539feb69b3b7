//! A memory limit with passivation: sessions that were not used for the longest go to disk, and come back on use.
//!
//! # Shape
//!
//! A session has two parts. Its *record* decides about it: who may open it, whose it is, when it ends, which version it has. The
//! record stays in memory, in the index that [`MemoryStore`] has anyway. Its *content*, the attributes and the recent commits, is
//! what takes the room, and goes to a [`Depot`] as one parcel of bytes.
//!
//! That is why little can go wrong. The memory store stays the only judge, under the same locks, wherever the content is. A
//! session is at every moment in one of its two tables: it is put into the one for sessions on disk in the very step that drops
//! its attributes from memory, after the depot has them, and only if no commit came between. Whoever has no ticket for a session
//! never makes the disk work; lists, invalidation (of a principal, of everybody), expiry and sweeps that hand out no values never
//! wait for it. And what is on disk means nothing without the record, so that nothing comes back after a crash: a session that
//! was logged out least of all.
//!
//! Moving whole sessions with their records would leave less of each in memory. (Some 600 bytes stay now, and are counted;
//! 300,000 sessions on disk, each with a principal of its own and one attribute, were measured to take 825 each.) The price would be
//! the rules on both sides, a disk that is asked about every guessed ticket, and copies on disk that a crash could bring back.
//!
//! # What it promises
//!
//! | | |
//! |---|---|
//! | memory | beyond [`max_bytes`](crate::memory::MemoryStoreBuilder::max_bytes) sessions are passivated, down to 7/8 of it, beside the requests |
//! | use | a load or a commit with a ticket for the session brings it back: one read of the disk, however many ask at once |
//! | eviction | never: no session is dropped that lives |
//! | the disk fails writing | sessions stay in memory, which says so in the log and in the metrics; it is tried again, after at most five seconds. So after a panic in the depot |
//! | memory reaches [`hard_max_bytes`](PassivatingStoreBuilder::hard_max_bytes) | whatever would need more waits while sessions are passivated. If they cannot be, new sessions and commits that make one larger are refused with [`ErrorKind::Full`]; loads, invalidations and other commits go on |
//! | the disk fails reading | those who need that session get the depot's error, and the session stays where it is |
//! | [`stop`](PassivatingStore::stop) | all sessions go to disk, and the next start finds them |
//! | a crash | every session is lost, as with any store in memory |
//!
//! Encrypted at rest is what the layer encrypts: the values. Names, principals and labels are not, as in every store. No
//! ticket is on disk, only hashes of their secrets.

mod activate;
mod builder;
mod content;
mod listener;
mod parcels;
mod room;
mod stop;
mod store;
mod task;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom_core::{Depot, Error, ErrorKind, Handle};
use tokio::sync::{Notify, RwLock, RwLockReadGuard, watch};
use tokio_util::task::AbortOnDropHandle;

pub use self::builder::PassivatingStoreBuilder;
pub use self::listener::ActivationListener;
use self::listener::{Moved, Teller};
pub(crate) use self::parcels::Kept;
use self::parcels::Parcels;
use crate::memory::{Bounds, MemoryStore};

/// Keeps sessions in this process's memory, and those that were not used for the longest on its disk.
///
/// Made with [`passivate_to`](crate::memory::MemoryStoreBuilder::passivate_to). A clone shares the sessions. What it promises, and
/// what becomes of sessions when the disk fails or the process does, is told in the [module's description](self).
///
#[cfg_attr(feature = "sqlite", doc = "```")]
#[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
/// use cloakroom::{MemoryStore, SessionLayer, SqliteDepot};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("passivated.db");
/// let depot = SqliteDepot::open(path).await?;
/// let store = MemoryStore::builder().max_bytes(256 << 20).passivate_to(depot).open().await?;
/// let layer = SessionLayer::new(store.clone());
/// // ... serve, and when the server has stopped:
/// # drop(layer);
/// store.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PassivatingStore {
    shared: Arc<Shared>,
    /// Ends with the last clone of the store.
    task: Arc<Mutex<Option<AbortOnDropHandle<()>>>>,
}

struct Shared {
    memory: MemoryStore,
    depot: Arc<dyn Depot>,
    parcels: Arc<Parcels>,
    marks: Marks,
    /// Read for each step on the sessions, so that none follows once it is true.
    stopped: RwLock<bool>,
    /// Whose turn it is to bring a session back: requests for the same one take turns, and the second finds it in memory.
    turns: Box<[tokio::sync::Mutex<()>]>,
    /// Wakes the task.
    wake: Arc<Notify>,
    /// Whether the disk failed last. Sent whenever the task has done something.
    progress: watch::Sender<bool>,
    teller: Mutex<Option<Teller>>,
}

/// How many bytes a shard takes when it is too full, full enough, and as full as it may get.
#[derive(Clone, Copy, Debug)]
struct Marks {
    high: u64,
    low: u64,
    most: Bounds,
}

impl PassivatingStore {
    /// Returns how many sessions there are, in memory or on disk, expired ones that were not removed yet included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.memory.len()
    }

    /// Returns whether there is no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many of them are on disk.
    #[must_use]
    pub fn passivated(&self) -> usize {
        self.shared.memory.away()
    }

    /// Returns how many bytes of memory the sessions take, as counted against
    /// [`max_bytes`](crate::memory::MemoryStoreBuilder::max_bytes): what stays of those on disk included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shared.memory.bytes()
    }

    /// Returns whether the disk failed, or the depot panicked, when sessions were to be passivated last. They are in memory then, and it is tried
    /// again.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        *self.shared.progress.borrow()
    }
}

/// Shows no session and nobody's name.
impl fmt::Debug for PassivatingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { memory, depot, .. } = &*self.shared;
        f.debug_struct("PassivatingStore")
            .field("memory", memory)
            .field("depot", depot)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Lets one step on the sessions happen. Never to be held while anything is waited for.
    async fn enter(&self, during: &'static str) -> Result<RwLockReadGuard<'_, bool>, Error> {
        let stopped = self.stopped.read().await;
        if *stopped {
            return Err(Error::new(ErrorKind::Unavailable, during, "the store was stopped"));
        }
        Ok(stopped)
    }

    fn wake_if_over(&self, handle: Handle) {
        if self.memory.is_over(handle, self.marks.high) {
            self.wake.notify_one();
        }
    }

    fn tell(&self, moved: Moved) {
        if let Some(teller) = &*self.teller.lock().unwrap_or_else(PoisonError::into_inner) {
            teller.tell(moved);
        }
    }
}
