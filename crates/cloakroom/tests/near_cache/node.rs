use std::sync::Arc;
use std::time::Duration;

use cloakroom::NearCache;
use cloakroom::core::{
    About, Commit, Ended, Error, Feed, Freshness, Handle, Invalidate, Invalidated, Load, Loaded, Outcome,
    Principal, Select, SessionInfo, Store, Sweep, Ticket, Touch,
};
use cloakroom_testkit::{Harness, ManualClock, ReferenceStore};

use crate::telling::Telling;

/// One node: a near cache, of which each operation is over when all that follows from it has been done, on every node.
pub(crate) struct Node {
    pub(crate) cache: NearCache<Telling>,
    pub(crate) store: Telling,
}

impl Node {
    /// Makes a node, and waits until its feed is whole.
    pub(crate) async fn of(store: &Telling, clock: &ManualClock) -> Self {
        Self::with(store, clock, 64 << 20).await
    }

    pub(crate) async fn with(store: &Telling, clock: &ManualClock, max_bytes: usize) -> Self {
        let builder = NearCache::builder().clock(Arc::new(clock.clone())).max_bytes(max_bytes);
        let builder = builder.max_staleness(Duration::from_secs(60));
        let cache = builder.build(store.clone()).unwrap();
        let guard = Ticket::generate().unwrap().guard();
        let nobody =
            Load { guard, select: Select::default(), touch: Touch::Never, freshness: Freshness::Any };
        cache.load(&nobody).await.unwrap();
        tokio::time::timeout(Duration::from_secs(30), async {
            tokio::task::yield_now().await;
            store.hub.settled().await;
        })
        .await
        .unwrap();
        Self { cache, store: store.clone() }
    }

    async fn settled(&self) {
        self.cache.settled().await;
        self.store.hub.settled().await;
    }
}

impl Store for Node {
    fn about(&self) -> About {
        self.cache.about()
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        let answer = self.cache.load(load).await;
        self.settled().await;
        answer
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let outcome = self.cache.commit(commit).await;
        self.settled().await;
        outcome
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        let answer = self.cache.invalidate(invalidate).await;
        self.settled().await;
        answer
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        self.cache.sessions_of(principal).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        self.cache.sweep(sweep).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        self.cache.acknowledge(handles).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.cache.ping().await
    }

    fn feed(&self) -> Option<Feed> {
        let feed = self.cache.feed();
        self.store.hub.let_go();
        feed
    }
}

/// A store that tells of changes, a clock, and nodes with caches of their own.
pub(crate) struct Nodes {
    pub(crate) clock: ManualClock,
    pub(crate) store: Telling,
    neighbour: Telling,
}

impl Nodes {
    pub(crate) async fn new() -> Self {
        let clock = ManualClock::default();
        let reference = ReferenceStore::new(clock.clone());
        let neighbour = Telling::new(reference.in_namespace("neighbour"));
        Self { clock, store: Telling::new(reference), neighbour }
    }
}

impl Harness for Nodes {
    type Store = Node;

    async fn store(&self) -> Node {
        Node::of(&self.store, &self.clock).await
    }

    async fn neighbour(&self) -> Node {
        Node::of(&self.neighbour, &self.clock).await
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
