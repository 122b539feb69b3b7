use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The numbers of a depot's parcels, and which of them are to be removed.
#[derive(Debug)]
pub(super) struct Parcels {
    next: AtomicU64,
    discarded: Mutex<Vec<u64>>,
    wake: Arc<Notify>,
}

impl Parcels {
    pub(super) fn new(wake: Arc<Notify>) -> Self {
        Self { next: AtomicU64::new(1), discarded: Mutex::default(), wake }
    }

    /// Draws a number that no parcel has.
    pub(super) fn draw(self: &Arc<Self>) -> Kept {
        self.keep(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Takes over a parcel that was left before this start.
    pub(super) fn keep(self: &Arc<Self>, number: u64) -> Kept {
        self.next.fetch_max(number + 1, Ordering::Relaxed);
        Kept { number, parcels: Arc::clone(self) }
    }

    /// Returns the parcels that are to be removed.
    pub(super) fn discarded(&self) -> Vec<u64> {
        std::mem::take(&mut *self.lock())
    }

    /// Remembers parcels that could not be removed.
    pub(super) fn discard(&self, numbers: &[u64]) {
        self.lock().extend_from_slice(numbers);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u64>> {
        self.discarded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A parcel that holds attributes of one session. Once it is dropped, wherever that is, the parcel is removed from the depot
/// some time later.
pub(crate) struct Kept {
    number: u64,
    parcels: Arc<Parcels>,
}

impl Kept {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.parcels.discard(&[self.number]);
        self.parcels.wake.notify_one();
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({})", self.number)
    }
}
