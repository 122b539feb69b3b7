use std::time::Duration;

use super::{BrokenStore, Flaw};
use crate::{Harness, ManualClock};

/// The harness of a [`BrokenStore`].
#[derive(Debug)]
pub struct BrokenHarness {
    clock: ManualClock,
    store: BrokenStore,
}

impl BrokenHarness {
    /// Makes an empty store with this flaw.
    #[expect(clippy::unused_async, reason = "as the harness of a store that is reached over a network")]
    pub async fn new(flaw: Flaw) -> Self {
        let clock = ManualClock::default();
        let store = BrokenStore::new(clock.clone(), flaw);
        Self { clock, store }
    }
}

impl Harness for BrokenHarness {
    type Store = BrokenStore;

    async fn store(&self) -> BrokenStore {
        self.store.clone()
    }

    async fn neighbour(&self) -> BrokenStore {
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
