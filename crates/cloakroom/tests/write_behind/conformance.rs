//! The kit, with commits held back for long, for hardly any time, and never.
//!
//! All the nodes that a case opens share one `WriteBehind`. With one for each, a node would see what another has committed only
//! once that is written, and the cases that commit on one node and read on another must fail: they ask for what timed writes
//! give up. What holds between two nodes is tested beside this.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::{MemoryStore, WriteBehind};
use cloakroom_testkit::{Harness, ManualClock, run_matching};

struct Nodes {
    clock: ManualClock,
    store: WriteBehind<MemoryStore>,
    neighbour: WriteBehind<MemoryStore>,
}

impl Nodes {
    fn with(every: Duration, sessions: usize) -> Self {
        let clock = ManualClock::default();
        let store = |namespace: &str| {
            let memory = MemoryStore::builder().namespace(namespace).clock(Arc::new(clock.clone())).build();
            let held = WriteBehind::builder(memory).every(every).max_sessions(sessions);
            held.clock(Arc::new(clock.clone())).build()
        };
        Self { store: store("here"), neighbour: store("next door"), clock }
    }
}

impl Harness for Nodes {
    type Store = WriteBehind<MemoryStore>;

    async fn store(&self) -> Self::Store {
        self.store.clone()
    }

    async fn neighbour(&self) -> Self::Store {
        self.neighbour.clone()
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

/// What no store can do that writes several commits as one: the attributes have the revision of the last of them.
const EXCEPT: &str = "commit::an_attribute_tells_the_commit_that_wrote_it";

/// Runs all cases but the one, and that one to see that it still has to be left out.
async fn pass(every: Duration, sessions: usize) {
    let report = run_matching(|| async move { Nodes::with(every, sessions) }, |name| name != EXCEPT).await;
    assert!(report.is_passed(), "{report}");
    assert!(report.verdicts().len() > 200);
    let excepted = run_matching(|| async move { Nodes::with(every, sessions) }, |name| name == EXCEPT).await;
    assert_eq!(excepted.failures().count(), 1);
}

/// What is held back is written when something asks for it to be, and by no timer: the clock stands still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_back_for_long() {
    pass(Duration::from_secs(3600), 10_000).await;
}

/// What is held back is written at once in the background, so that writes are under way while the case goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_back_for_a_moment() {
    pass(Duration::ZERO, 10_000).await;
}

/// One session may be held back at a time: the others' commits wait for the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_back_for_one_session_at_a_time() {
    pass(Duration::from_secs(3600), 1).await;
}

/// Nothing is held back.
mod never {
    use super::{Duration, Nodes};

    cloakroom_testkit::conformance!(|| async { Nodes::with(Duration::from_secs(3600), 0) });
}
