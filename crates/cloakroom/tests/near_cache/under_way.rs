//! Loads and changes at the same time: nothing from before a change is kept after it.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::core::{Invalidate, Store as _};
use cloakroom_testkit::Harness as _;
use tokio::sync::Notify;

use crate::node::{Node, Nodes};
use crate::requests::*;

/// A load that has read, and whose answer is on its way.
struct Slow {
    gate: Arc<Notify>,
    load: tokio::task::JoinHandle<Option<cloakroom::core::Opened>>,
}

impl Slow {
    async fn begin(nodes: &Nodes, node: &Node, ticket: &cloakroom::core::Ticket) -> Self {
        let gate = Arc::new(Notify::new());
        *nodes.store.hub.gate.lock().unwrap() = Some(Arc::clone(&gate));
        let (before, cache, load) = (nodes.store.hub.loads(), node.cache.clone(), asking(ticket, &["a"]));
        let load = tokio::spawn(async move { open(&cache, &load).await });
        eventually("a load that waits", async || nodes.store.hub.loads() > before).await;
        *nodes.store.hub.gate.lock().unwrap() = None;
        Self { gate, load }
    }

    async fn end(self) {
        self.gate.notify_one();
        self.load.await.unwrap();
    }
}

#[tokio::test]
async fn a_load_from_before_another_nodes_commit_is_not_kept() {
    let nodes = Nodes::new().await;
    let (here, there) = (nodes.store().await, nodes.store().await);
    let ticket = session(&here, &[("a", "1")]).await;
    let slow = Slow::begin(&nodes, &here, &ticket).await;
    commit(&there, &change(ticket.guard(), &[("a", "2")])).await;
    slow.end().await;
    assert_eq!(read(&here, &ticket, "a").await.unwrap(), "2");
}

#[tokio::test]
async fn a_load_from_before_an_own_commit_is_not_kept() {
    let nodes = Nodes::new().await;
    let here = nodes.store().await;
    let ticket = session(&here, &[("a", "1")]).await;
    nodes.store.hub.cut_off();
    let slow = Slow::begin(&nodes, &here, &ticket).await;
    commit(&here.cache, &change(ticket.guard(), &[("a", "2")])).await;
    slow.end().await;
    assert_eq!(read(&here.cache, &ticket, "a").await.unwrap(), "2");
}

#[tokio::test]
async fn a_load_from_before_an_end_is_not_kept() {
    let nodes = Nodes::new().await;
    let (here, there) = (nodes.store().await, nodes.store().await);
    for ending in [Invalidate::Everyone, Invalidate::Everyone] {
        let ticket = session(&here, &[("a", "1")]).await;
        let slow = Slow::begin(&nodes, &here, &ticket).await;
        let _ = there.invalidate(&ending).await.unwrap();
        slow.end().await;
        assert!(open(&here, &asking(&ticket, &["a"])).await.is_none());
        let ticket = session(&here, &[("a", "1")]).await;
        let slow = Slow::begin(&nodes, &here, &ticket).await;
        let _ = there.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap();
        slow.end().await;
        assert!(open(&here, &asking(&ticket, &["a"])).await.is_none());
    }
}

#[tokio::test]
async fn a_load_from_before_the_feed_broke_is_not_kept() {
    let nodes = Nodes::new().await;
    let here = nodes.store().await;
    let ticket = session(&here, &[("a", "1")]).await;
    let slow = Slow::begin(&nodes, &here, &ticket).await;
    nodes.store.hub.cut();
    eventually("a new feed", async || nodes.store.hub.is_whole()).await;
    slow.end().await;
    assert_eq!(here.cache.len(), 0);
}

#[tokio::test]
async fn a_load_that_nobody_waits_for_leaves_nothing() {
    let nodes = Nodes::new().await;
    let here = nodes.store().await;
    let ticket = session(&here, &[("a", "1")]).await;
    let slow = Slow::begin(&nodes, &here, &ticket).await;
    slow.load.abort();
    assert!(slow.load.await.unwrap_err().is_cancelled());
    assert_eq!(here.cache.len(), 0);
    assert_eq!(read(&here, &ticket, "a").await.unwrap(), "1");
    assert_eq!(here.cache.len(), 1);
}

#[tokio::test]
async fn a_load_that_is_as_new_as_the_commit_is_kept() {
    let nodes = Nodes::new().await;
    let (here, there) = (nodes.store().await, nodes.store().await);
    let ticket = session(&here, &[("a", "1")]).await;
    let version = commit(&there, &change(ticket.guard(), &[("a", "2")])).await;
    read(&here, &ticket, "a").await;
    // As when one's own commit is told after the next load.
    let told = cloakroom::core::Notice::Committed { handle: ticket.handle(), version };
    nodes.store.hub.tell(told);
    nodes.store.hub.settled().await;
    assert_eq!(here.cache.len(), 1);
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_leaves_nothing_from_before() {
    let nodes = Nodes::new().await;
    let here = nodes.store().await;
    let ticket = session(&here, &[("a", "1")]).await;
    read(&here, &ticket, "a").await;
    let changing = change(ticket.guard(), &[("a", "2")]);
    let given_up = tokio::time::timeout(Duration::ZERO, here.cache.commit(&changing));
    drop(given_up.await);
    assert_eq!(read(&here, &ticket, "a").await.unwrap(), "2");
}
