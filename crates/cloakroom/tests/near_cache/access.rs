//! Accesses that are answered from memory, and expiry.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cloakroom::core::{Load, Touch};
use cloakroom_testkit::Harness as _;

use crate::node::Nodes;
use crate::requests::*;

const EVERY: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_session_in_use_never_expires_and_its_accesses_are_throttled() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let ticket = session(&node, &[("a", "1")]).await;
    let visit = Load { touch: Touch::AtMostEvery(EVERY), ..asking(&ticket, &["a"]) };
    open(&node, &visit).await;
    let (before, step) = (nodes.store.hub.loads(), Duration::from_secs(10));
    for _ in 0..600 {
        nodes.clock.advance(step);
        assert!(open(&node, &visit).await.is_some());
    }
    assert_eq!(nodes.store.hub.loads() - before, 100, "6000 s, an access is recorded every 60 s");
    assert_eq!(node.cache.len(), 1);
}

#[tokio::test]
async fn an_access_is_recorded_every_tenth_of_the_interval_whatever_the_throttle() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let ticket = session(&node, &[("a", "1")]).await;
    let visit = Load { touch: Touch::AtMostEvery(INTERVAL * 10), ..asking(&ticket, &["a"]) };
    open(&node, &visit).await;
    let before = nodes.store.hub.loads();
    for _ in 0..100 {
        nodes.clock.advance(INTERVAL / 100);
        assert!(open(&node, &visit).await.is_some());
    }
    assert_eq!(nodes.store.hub.loads() - before, 10);
}

#[tokio::test]
async fn an_access_that_is_never_recorded_ends_no_session_in_use() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let ticket = session(&node, &[("a", "1")]).await;
    let visit = Load { touch: Touch::AtMostEvery(EVERY), ..asking(&ticket, &["a"]) };
    open(&node, &visit).await;
    nodes.store.hub.panics.store(1, Ordering::SeqCst);
    for _ in 0..50 {
        nodes.clock.advance(INTERVAL / 20);
        assert!(open(&node, &visit).await.is_some());
    }
    assert_eq!(nodes.store.hub.panics.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_hit_shows_the_access_before_its_own() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let ticket = session(&node, &[("a", "1")]).await;
    let visit = Load { touch: Touch::AtMostEvery(Duration::ZERO), ..asking(&ticket, &["a"]) };
    let mut last = open(&node, &visit).await.unwrap().now;
    for _ in 0..5 {
        nodes.clock.advance(EVERY);
        let opened = open(&node, &visit).await.unwrap();
        assert_eq!(opened.meta.accessed_at, last);
        last = opened.now;
    }
}

#[tokio::test]
async fn what_is_not_used_expires_at_its_time() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let ticket = session(&node, &[("a", "1")]).await;
    let look = asking(&ticket, &["a"]);
    open(&node, &look).await;
    let before = nodes.store.hub.loads();
    nodes.clock.advance(INTERVAL.saturating_sub(Duration::from_millis(1)));
    assert!(open(&node, &look).await.is_some());
    assert_eq!(nodes.store.hub.loads(), before);
    nodes.clock.advance(Duration::from_millis(1));
    assert!(open(&node, &look).await.is_none());
}

#[tokio::test]
async fn what_another_node_uses_does_not_expire_here() {
    let nodes = Nodes::new().await;
    let (here, there) = (nodes.store().await, nodes.store().await);
    let ticket = session(&here, &[("a", "1")]).await;
    open(&here, &asking(&ticket, &["a"])).await;
    for _ in 0..5 {
        nodes.clock.advance(INTERVAL / 2);
        let visit = Load { touch: Touch::AtMostEvery(EVERY), ..asking(&ticket, &["a"]) };
        assert!(open(&there, &visit).await.is_some());
    }
    assert_eq!(read(&here, &ticket, "a").await.unwrap(), "1");
}

#[tokio::test]
async fn the_first_access_by_a_renewed_ticket_reaches_the_store() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let ticket = session(&node, &[("a", "1")]).await;
    let (next, renewal) = renewal(&ticket);
    commit(&node, &renewal).await;
    open(&node, &asking(&next, &["a"])).await;
    let standing = async |ticket| open(&node, &asking(ticket, &[])).await.unwrap().standing;
    let before = standing(&ticket).await;
    assert!(
        matches!(before, cloakroom::core::Standing::Previous(Some(_))),
        "the new one was not seen in use"
    );
    let visit = Load { touch: Touch::AtMostEvery(EVERY), ..asking(&next, &["a"]) };
    open(&node, &visit).await;
    assert!(matches!(standing(&ticket).await, cloakroom::core::Standing::Previous(None)));
}
