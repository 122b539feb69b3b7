//! Timed writes around the cache: the conformance cases.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::WriteBehind;
use cloakroom_testkit::{Harness, run_matching};
use tokio::sync::OnceCell;

use crate::node::{Node, Nodes};

/// One node and its neighbour, which hold commits back for so long.
struct Held {
    nodes: Nodes,
    every: Duration,
    here: OnceCell<WriteBehind<Node>>,
    next_door: OnceCell<WriteBehind<Node>>,
}

impl Held {
    async fn of(every: Duration) -> Self {
        let nodes = Nodes::new().await;
        Self { nodes, every, here: OnceCell::new(), next_door: OnceCell::new() }
    }

    fn around(&self, node: Node) -> WriteBehind<Node> {
        WriteBehind::builder(node).every(self.every).clock(Arc::new(self.nodes.clock.clone())).build()
    }
}

impl Harness for Held {
    type Store = WriteBehind<Node>;

    async fn store(&self) -> Self::Store {
        let open = async || self.around(self.nodes.store().await);
        self.here.get_or_init(open).await.clone()
    }

    async fn neighbour(&self) -> Self::Store {
        let open = async || self.around(self.nodes.neighbour().await);
        self.next_door.get_or_init(open).await.clone()
    }

    fn unit(&self) -> Duration {
        self.nodes.unit()
    }

    async fn advance(&self, by: Duration) {
        self.nodes.advance(by).await;
    }

    fn is_exact(&self) -> bool {
        true
    }
}

/// What timed writes give up: the revision of each commit's own.
const EXCEPT: &str = "commit::an_attribute_tells_the_commit_that_wrote_it";

async fn pass(every: Duration, includes: fn(&str) -> bool) {
    let report = run_matching(|| Held::of(every), |name| name != EXCEPT && includes(name)).await;
    assert!(report.is_passed(), "{report}");
    assert!(report.verdicts().len() > 200);
}

/// A feed tells of a commit when it is written, for which these cases would wait too long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_long() {
    pass(Duration::from_secs(3600), |name| !name.starts_with("feed::")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_a_moment() {
    pass(Duration::ZERO, |_| true).await;
}
