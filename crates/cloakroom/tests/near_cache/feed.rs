//! What the feed decides: how old an answer may be.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::NearCache;
use cloakroom::core::{Invalidate, Store as _};
use cloakroom_testkit::Harness as _;

use crate::node::Nodes;
use crate::requests::*;

#[tokio::test]
async fn other_nodes_changes_are_seen() {
    let nodes = Nodes::new().await;
    let (here, there) = (nodes.store().await, nodes.store().await);
    let ticket = session(&here, &[("a", "1")]).await;
    assert_eq!(read(&there, &ticket, "a").await.unwrap(), "1");
    commit(&here, &change(ticket.guard(), &[("a", "2")])).await;
    assert_eq!(read(&there, &ticket, "a").await.unwrap(), "2");
    let (next, renewal) = renewal(&ticket);
    commit(&here, &renewal).await;
    let opened = open(&there, &asking(&ticket, &["a"])).await.unwrap();
    assert_ne!(opened.standing, cloakroom::core::Standing::Current);
    read(&there, &next, "a").await;
    let _ = here.invalidate(&Invalidate::Ticket(next.guard())).await.unwrap();
    assert!(open(&there, &asking(&next, &["a"])).await.is_none());
}

#[tokio::test]
async fn while_the_feed_says_nothing_of_itself_the_store_is_asked() {
    let nodes = Nodes::new().await;
    let builder = NearCache::builder().clock(Arc::new(nodes.clock.clone()));
    let cache = builder.max_staleness(Duration::from_millis(300)).build(nodes.store.clone()).unwrap();
    let ticket = session(&cache, &[("a", "1")]).await;
    let is_hit = async || {
        let before = nodes.store.hub.loads();
        read(&cache, &ticket, "a").await;
        nodes.store.hub.loads() == before
    };
    eventually("a hit", is_hit).await;
    nodes.store.hub.silence(true);
    tokio::time::sleep(Duration::from_millis(350)).await;
    for _ in 0..3 {
        assert!(!is_hit().await, "an answer from memory, without proof that nothing has changed");
    }
    nodes.store.hub.silence(false);
    eventually("a hit", is_hit).await;
}

#[tokio::test]
async fn when_the_feed_breaks_everything_is_dropped_and_a_new_one_asked_for() {
    let nodes = Nodes::new().await;
    let here = nodes.store().await;
    let ticket = session(&here, &[("a", "1")]).await;
    for _ in 0..3 {
        read(&here, &ticket, "a").await;
        assert_eq!(here.cache.len(), 1);
        nodes.store.hub.cut();
        eventually("an empty cache", async || here.cache.is_empty()).await;
        assert_eq!(here.cache.bytes(), 0);
        assert_eq!(read(&here.cache, &ticket, "a").await.unwrap(), "1");
        eventually("a new feed", async || nodes.store.hub.is_whole()).await;
    }
}

#[tokio::test]
async fn without_a_whole_feed_nothing_is_kept() {
    let nodes = Nodes::new().await;
    let here = nodes.store().await;
    let ticket = session(&here, &[("a", "1")]).await;
    nodes.store.hub.cut();
    eventually("an empty cache", async || {
        let _ = read(&here.cache, &ticket, "a").await;
        nodes.store.hub.listeners() == 0
    })
    .await;
    read(&here.cache, &ticket, "a").await;
    assert!(here.cache.is_empty() || nodes.store.hub.listeners() > 0);
}

#[tokio::test]
async fn nobody_listens_when_the_last_handle_is_gone() {
    let nodes = Nodes::new().await;
    let here = nodes.store().await;
    let clone = here.cache.clone();
    drop(here);
    assert_eq!(nodes.store.hub.listeners(), 1);
    drop(clone);
    eventually("the end of listening", async || nodes.store.hub.listeners() == 0).await;
}
