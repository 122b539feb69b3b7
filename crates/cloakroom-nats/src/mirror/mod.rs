//! All sessions in this node's memory.

mod held;
mod replica;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

pub(crate) use self::replica::{Replica, Source};

/// What a mirror holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MirrorState {
    /// How many sessions.
    pub sessions: usize,
    /// How many bytes they take, without what the allocator adds.
    pub bytes: usize,
    /// For how long something that was changed elsewhere may be missing. `None`: it is not whole, and answers nothing.
    pub lag: Option<Duration>,
}

/// The replica of the stream that is there now, and the task that fills it, which ends with the last handle.
#[derive(Debug)]
pub(crate) struct Mirror {
    max_staleness: Duration,
    slot: Slot,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// Where the replica is while there is a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot(Arc<Mutex<Option<Arc<Replica>>>>);

impl Slot {
    pub(crate) fn set(&self, replica: Option<Arc<Replica>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = replica;
    }

    pub(crate) fn get(&self) -> Option<Arc<Replica>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Mirror {
    pub(crate) fn new(max_staleness: Duration) -> Self {
        Self { max_staleness, slot: Slot::default(), task: Mutex::default() }
    }

    /// Returns the same with nothing in it.
    pub(crate) fn anew(&self) -> Self {
        Self::new(self.max_staleness)
    }

    pub(crate) fn max_staleness(&self) -> Duration {
        self.max_staleness
    }

    /// Starts the task where it does not run: it ends with the runtime it was started on.
    pub(crate) fn start(&self, spawn: impl FnOnce(Slot) -> JoinHandle<()>) {
        let mut task = self.task();
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            self.slot.set(None);
            *task = Some(spawn(self.slot.clone()));
        }
    }

    pub(crate) fn replica(&self) -> Option<Arc<Replica>> {
        self.slot.get()
    }

    pub(crate) fn state(&self) -> MirrorState {
        let (sessions, bytes, lag) = self.replica().map(|it| it.measure()).unwrap_or_default();
        MirrorState { sessions, bytes, lag }
    }

    fn task(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        if let Some(task) = self.task().take() {
            task.abort();
        }
    }
}
