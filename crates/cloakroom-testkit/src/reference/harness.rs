use std::time::Duration;

use super::ReferenceStore;
use crate::{Harness, ManualClock};

/// The harness of the [`ReferenceStore`], and an example of one with a manual clock.
///
/// ```
/// use cloakroom_testkit::{Harness, ReferenceHarness};
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let harness = ReferenceHarness::new().await;
/// let node = harness.store().await;
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ReferenceHarness {
    clock: ManualClock,
    store: ReferenceStore,
}

impl ReferenceHarness {
    /// Makes an empty store.
    #[expect(clippy::unused_async, reason = "as the harness of a store that is reached over a network")]
    pub async fn new() -> Self {
        let clock = ManualClock::default();
        let store = ReferenceStore::new(clock.clone());
        Self { clock, store }
    }
}

impl Harness for ReferenceHarness {
    type Store = ReferenceStore;

    async fn store(&self) -> ReferenceStore {
        self.store.clone()
    }

    async fn neighbour(&self) -> ReferenceStore {
        self.store.in_namespace("neighbour")
    }

    fn unit(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn is_exact(&self) -> bool {
        true
    }
}
