use std::fmt;
use std::sync::{Arc, Mutex};

use cloakroom_core::{Depot, Error};
use tokio::sync::{Notify, RwLock, watch};
use tokio_util::task::AbortOnDropHandle;

use super::listener::{ActivationListener, DynActivationListener, Teller};
use super::parcels::Parcels;
use super::stop::Note;
use super::{Marks, PassivatingStore, Shared};
use crate::memory::{Bounds, MemoryStore, MemoryStoreBuilder};

/// How many sessions can be brought back at the same time.
const TURNS: usize = 256;

impl MemoryStoreBuilder {
    /// Makes a store that puts sessions into `depot` when they take more than [`max_bytes`](Self::max_bytes), instead of
    /// dropping them.
    ///
    /// [`max_sessions`](Self::max_sessions) then counts those on disk too, and beyond it new ones are refused.
    pub fn passivate_to(self, depot: impl Depot) -> PassivatingStoreBuilder {
        PassivatingStoreBuilder {
            memory: self,
            depot: Arc::new(depot),
            hard_max_bytes: None,
            listeners: Vec::new(),
        }
    }
}

/// Builds a [`PassivatingStore`].
#[must_use = "a builder makes nothing unless opened"]
pub struct PassivatingStoreBuilder {
    memory: MemoryStoreBuilder,
    depot: Arc<dyn Depot>,
    hard_max_bytes: Option<u64>,
    listeners: Vec<Arc<dyn DynActivationListener>>,
}

impl fmt::Debug for PassivatingStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory, depot, hard_max_bytes, .. } = self;
        f.debug_struct("PassivatingStoreBuilder")
            .field("memory", memory)
            .field("depot", depot)
            .field("hard_max_bytes", hard_max_bytes)
            .finish_non_exhaustive()
    }
}

impl PassivatingStoreBuilder {
    /// Sets how many bytes of memory the sessions may come to take when they cannot be passivated fast enough, or at all. Twice
    /// [`max_bytes`](MemoryStoreBuilder::max_bytes) by default, and never less than that.
    ///
    /// There, new sessions and commits that make one larger wait until there is room, or are refused with
    /// [`ErrorKind::Full`](cloakroom_core::ErrorKind::Full). Requests that commit at the same moment, and sessions that come
    /// back, may pass it by as much as they take.
    pub fn hard_max_bytes(mut self, bytes: u64) -> Self {
        self.hard_max_bytes = Some(bytes);
        self
    }

    /// Adds a listener, to be told when sessions go to disk and come back.
    pub fn listener(mut self, listener: impl ActivationListener) -> Self {
        self.listeners.push(Arc::new(listener));
        self
    }

    /// Opens the store: finds the sessions of one that was [stopped](PassivatingStore::stop), and begins to passivate, in a
    /// task of its own.
    ///
    /// # Errors
    ///
    /// When the depot fails, or holds what this version cannot read.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub async fn open(self) -> Result<PassivatingStore, Error> {
        let note = self.depot.sealed().await?.map(|note| Note::from_bytes(&note)).transpose()?;
        let Bounds { sessions, bytes } = self.memory.bounds();
        let most = self.hard_max_bytes.unwrap_or_else(|| bytes.saturating_mul(2)).max(bytes);
        let memory = self.memory.build_keeping(most, Note::resume(note.as_ref()));
        let marks = marks(&memory, bytes, Bounds { sessions, bytes: most });
        let wake = Arc::new(Notify::new());
        let shared = Shared {
            memory,
            depot: self.depot,
            parcels: Arc::new(Parcels::new(Arc::clone(&wake))),
            marks,
            stopped: RwLock::new(false),
            turns: (0..TURNS).map(|_| tokio::sync::Mutex::default()).collect(),
            wake,
            progress: watch::Sender::new(false),
            teller: Mutex::new(Teller::start(self.listeners)),
        };
        if note.is_some() {
            shared.find().await?;
        }
        shared.depot.begin().await?;
        shared.wake.notify_one();
        let shared = Arc::new(shared);
        let task = AbortOnDropHandle::new(tokio::spawn(Arc::clone(&shared).run()));
        Ok(PassivatingStore { shared, task: Arc::new(Mutex::new(Some(task))) })
    }
}

fn marks(memory: &MemoryStore, bytes: u64, most: Bounds) -> Marks {
    let shards = memory.shards();
    let high = bytes / shards as u64;
    let most = Bounds { sessions: most.sessions / shards, bytes: most.bytes / shards as u64 };
    Marks { high, low: high - high / 8, most }
}
