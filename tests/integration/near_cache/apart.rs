//! A feed that comes by another way than the answers, so that it alone can be late.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom::core::{
    About, Commit, DynStore, Ended, Error, Feed, Freshness, Handle, Invalidate, Invalidated, Load, Loaded,
    Name, Outcome, Select, SessionInfo, Store, Sweep, Ticket, Touch, Wanted,
};
use cloakroom::{NearCache, Principal};

use super::kit::{Servers, change, create};
use super::{BOUND, seen_in_time};
use crate::support::{Backend, Proxy, eventually, for_one_store, port};

for_one_store!(
    redis,
    Redis,
    a_feed_that_is_late_makes_no_answer_old,
    a_feed_that_is_cut_alone_makes_none_old
);

for_one_store!(
    postgres,
    Postgres,
    a_feed_that_is_late_makes_no_answer_old,
    a_feed_that_is_cut_alone_makes_none_old
);

for_one_store!(nats, Nats, a_feed_that_is_late_makes_no_answer_old, a_feed_that_is_cut_alone_makes_none_old);

/// A store that has its feed from another one.
struct Apart {
    store: Arc<dyn DynStore>,
    feed: Arc<dyn DynStore>,
}

impl Store for Apart {
    fn about(&self) -> About {
        self.store.about()
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        self.store.load(load).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        self.store.commit(commit).await
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        self.store.invalidate(invalidate).await
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        self.store.sessions_of(principal).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        self.store.sweep(sweep).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        self.store.acknowledge(handles).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.store.ping().await
    }

    fn feed(&self) -> Option<Feed> {
        self.feed.feed()
    }
}

/// A node whose feed comes through a proxy, and another one.
struct Nodes {
    here: NearCache<Apart>,
    there: Arc<dyn DynStore>,
    proxy: Proxy,
}

impl Nodes {
    async fn start(backend: Backend) -> Self {
        let url = backend.server();
        let proxy = Proxy::start(backend.protocol(), port(&url)).await;
        let servers = Servers::of(backend).await;
        let (store, there) = (servers.open(&url).await, servers.open(&url).await);
        let feed = servers.open(&proxy.url(&url)).await;
        Self { here: NearCache::new(Apart { store, feed }).unwrap(), there, proxy }
    }

    /// Reads the attribute, and tells whether it was in memory: else it is, afterwards.
    async fn read(&self, ticket: &Ticket) -> Option<Vec<u8>> {
        let values = Wanted::Named([Name::from_static("a")].into_iter().collect());
        let select = Select { values, names: false };
        let touch = Touch::Never;
        let load = Load { guard: ticket.guard(), select, touch, freshness: Freshness::Any };
        match self.here.load(&load).await.unwrap() {
            Loaded::Open(opened) => Some(opened.attributes[0].value.to_vec()),
            Loaded::Absent | Loaded::Superseded => None,
        }
    }

    /// Makes two sessions that this node keeps.
    async fn kept(&self) -> [Ticket; 2] {
        let tickets = [Ticket::generate().unwrap(), Ticket::generate().unwrap()];
        for ticket in &tickets {
            let _ = self.there.commit(&create(ticket.guard(), b"1")).await.unwrap();
        }
        eventually(|| async {
            for ticket in &tickets {
                self.read(ticket).await;
            }
            self.here.len() == 2
        })
        .await;
        tickets
    }
}

async fn a_feed_that_is_late_makes_no_answer_old(backend: Backend) {
    let nodes = Nodes::start(backend).await;
    let [changed, ended] = nodes.kept().await;
    nodes.proxy.black_hole();
    let _ = nodes.there.commit(&change(changed.guard(), b"2")).await.unwrap();
    let _ = nodes.there.invalidate(&Invalidate::Ticket(ended.guard())).await.unwrap();
    let acknowledged = Instant::now();
    seen_in_time(acknowledged, async || Some(nodes.read(&changed).await == Some(b"2".to_vec()))).await;
    seen_in_time(acknowledged, async || Some(nodes.read(&ended).await.is_none())).await;
    nodes.proxy.slow(Duration::from_millis(1));
    eventually(|| async {
        nodes.read(&changed).await;
        nodes.here.len() == 1
    })
    .await;
    assert_eq!(nodes.read(&changed).await, Some(b"2".to_vec()));
}

async fn a_feed_that_is_cut_alone_makes_none_old(backend: Backend) {
    let nodes = Nodes::start(backend).await;
    for _ in 0..3 {
        let [changed, ended] = nodes.kept().await;
        nodes.proxy.cut().await;
        let _ = nodes.there.commit(&change(changed.guard(), b"2")).await.unwrap();
        let _ = nodes.there.invalidate(&Invalidate::Ticket(ended.guard())).await.unwrap();
        let acknowledged = Instant::now();
        seen_in_time(acknowledged, async || Some(nodes.read(&changed).await == Some(b"2".to_vec()))).await;
        seen_in_time(acknowledged, async || Some(nodes.read(&ended).await.is_none())).await;
        let _ = nodes.there.invalidate(&Invalidate::Everyone).await.unwrap();
        eventually(|| async { nodes.here.is_empty() }).await;
    }
    assert!(BOUND < Duration::from_secs(5), "a feed that is late breaks later than the bound");
}
