//! The cases hold by a real clock as well, where time passes by itself.

use std::time::Duration;

use cloakroom_core::{DynStore, SystemClock};
use cloakroom_testkit::{Harness, ReferenceStore, run_all};
use std::sync::Arc;

/// A store by the machine's clock, which is also chosen at run time.
struct RealTime(ReferenceStore);

async fn harness() -> RealTime {
    RealTime(ReferenceStore::new(SystemClock))
}

impl Harness for RealTime {
    type Store = Arc<dyn DynStore>;

    async fn store(&self) -> Self::Store {
        Arc::new(self.0.clone())
    }

    async fn neighbour(&self) -> Self::Store {
        Arc::new(self.0.in_namespace("neighbour"))
    }

    fn unit(&self) -> Duration {
        Duration::from_millis(300)
    }

    async fn advance(&self, by: Duration) {
        tokio::time::sleep(by).await;
    }

    fn is_exact(&self) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_store_passes_by_a_real_clock() {
    let report = run_all(harness).await;
    assert!(report.is_passed(), "{report}");
}
