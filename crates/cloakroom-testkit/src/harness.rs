use std::future::Future;
use std::time::Duration;

use cloakroom_core::Store;

/// Brings a store, and the time it lives in, to the conformance cases.
///
/// One harness is one fresh and empty place for sessions, which nobody else uses: a new temporary file, a new map, or a
/// namespace of a random name on a shared server. Each run of a case gets a harness of its own, and many cases run at once: up to
/// 16 in [`run_all`](crate::run_all). A case opens the store up to three times, and has up to 12 operations under way.
///
/// # Time
///
/// Cases count time in [`unit`](Self::unit)s and let it pass with [`advance`](Self::advance) alone.
///
/// | the store's time | `unit` | `advance` | `is_exact` |
/// |---|---|---|---|
/// | a [`ManualClock`](crate::ManualClock) | 10 s | moves the clock | `true` |
/// | a server's clock | 300 ms or more | `tokio::time::sleep` | `false` |
///
/// With a real clock every case leaves a margin of one unit: it still passes when all that it does between two calls of
/// `advance` takes up to one unit. On a slow or busy machine a longer unit makes it safe; no case lets more than 20
/// units pass. A unit is at least 20 ms and at most a minute.
///
/// A case about time that fails is run again with a new harness, up to five times in all, if it was too slow for its failure to
/// prove anything: between two calls of `advance`, or beyond the time that `advance` was to take, more than half a unit passed (with
/// exact time, 250 ms between two calls).
pub trait Harness: Send + Sync + 'static {
    /// The store under test.
    type Store: Store;

    /// Opens the store, as one more node would: every call gives a handle to the same data, with connections of its own
    /// where the store has any.
    fn store(&self) -> impl Future<Output = Self::Store> + Send;

    /// Opens the store of another namespace in the same backend; each call the same namespace.
    fn neighbour(&self) -> impl Future<Output = Self::Store> + Send;

    /// Returns the step in which cases count time.
    fn unit(&self) -> Duration;

    /// Lets this much time pass for the store.
    fn advance(&self, by: Duration) -> impl Future<Output = ()> + Send;

    /// Returns whether the store's time passes by [`advance`](Self::advance) alone, to the millisecond. Then cases also
    /// check what happens at the very moment of a deadline.
    fn is_exact(&self) -> bool;
}
