//! What is answered from memory, and what is not.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::core::{
    Edit, Freshness, Invalidate, Load, Principal, Select, Standing, Store, Version, Wanted,
};
use cloakroom::{MemoryStore, NearCache};

use crate::node::{Node, Nodes};
use crate::requests::*;
use cloakroom_testkit::Harness as _;

/// Returns how many loads reached the store while this was done.
async fn loads(nodes: &Nodes, work: impl Future) -> usize {
    let before = nodes.store.hub.loads();
    work.await;
    nodes.store.hub.loads() - before
}

#[tokio::test]
async fn what_was_read_is_read_again_without_a_round_trip() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let ticket = session(&node, &[("a", "1"), ("b", "2")]).await;
    assert_eq!(loads(&nodes, open(&node, &asking(&ticket, &["a", "none"]))).await, 1);
    for attributes in [&["a"][..], &["none"], &[], &["none", "a"]] {
        assert_eq!(loads(&nodes, open(&node, &asking(&ticket, attributes))).await, 0, "{attributes:?}");
    }
    assert_eq!(read(&node, &ticket, "a").await.unwrap(), "1");
    assert_eq!(read(&node, &ticket, "none").await, None);
    assert_eq!(loads(&nodes, open(&node, &asking(&ticket, &["b"]))).await, 1, "what was not read is");
    assert_eq!(loads(&nodes, open(&node, &asking(&ticket, &["a", "b"]))).await, 0, "and stays with the rest");
    assert_eq!(node.cache.len(), 1);
}

#[tokio::test]
async fn names_are_answered_where_the_values_are() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let ticket = session(&node, &[("a", "1"), ("b", "2")]).await;
    let listing = Load { select: Select { values: Wanted::Nothing, names: true }, ..asking(&ticket, &[]) };
    for _ in 0..2 {
        assert_eq!(loads(&nodes, open(&node, &listing)).await, 1, "an unread attribute may lapse");
    }
    open(&node, &asking(&ticket, &["a", "b"])).await;
    assert_eq!(loads(&nodes, open(&node, &listing)).await, 0);
    assert_eq!(open(&node, &listing).await.unwrap().names.unwrap(), [name("a"), name("b")]);
    let everything = Select { values: Wanted::Everything, names: true };
    let everything = Load { select: everything, ..listing };
    assert_eq!(loads(&nodes, open(&node, &everything)).await, 1);
    assert_eq!(loads(&nodes, open(&node, &everything)).await, 0);
    assert_eq!(open(&node, &everything).await.unwrap().names.unwrap(), [name("a"), name("b")]);
}

#[tokio::test]
async fn another_ticket_is_not_answered_from_memory() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let ticket = session(&node, &[("a", "1")]).await;
    read(&node, &ticket, "a").await;
    let forged = ticket.with_new_secret().unwrap();
    assert_eq!(loads(&nodes, open(&node, &asking(&forged, &["a"]))).await, 1);
    assert!(open(&node, &asking(&forged, &["a"])).await.is_none());
    assert_eq!(loads(&nodes, open(&node, &asking(&ticket, &["a"]))).await, 0, "which harms nobody");
}

#[tokio::test]
async fn the_ticket_before_a_renewal_is_not_answered_from_memory() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let before = session(&node, &[("a", "1")]).await;
    let (after, renewal) = renewal(&before);
    commit(&node, &renewal).await;
    for _ in 0..2 {
        let asked = loads(&nodes, async {
            let opened = open(&node, &asking(&before, &["a"])).await.unwrap();
            assert!(matches!(opened.standing, Standing::Previous(Some(_))));
        });
        assert_eq!(asked.await, 1);
    }
    open(&node, &asking(&after, &["a"])).await;
    assert_eq!(loads(&nodes, open(&node, &asking(&after, &["a"]))).await, 0);
}

#[tokio::test]
async fn a_load_may_demand_more() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let ticket = session(&node, &[("a", "1")]).await;
    let with = |freshness| Load { freshness, ..asking(&ticket, &["a"]) };
    open(&node, &with(Freshness::Any)).await;
    for (freshness, asked) in [
        (Freshness::Any, 0),
        (Freshness::AtLeast(Version(1)), 0),
        (Freshness::AtLeast(Version(2)), 1),
        (Freshness::Latest, 1),
    ] {
        assert_eq!(loads(&nodes, open(&node, &with(freshness))).await, asked, "{freshness:?}");
    }
}

#[tokio::test]
async fn what_is_kept_comes_from_no_copy_of_the_store() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let (changed, ended) = (session(&node, &[("a", "1")]).await, session(&node, &[("a", "1")]).await);
    let copies =
        [nodes.store.load(&asking(&changed, &["a"])).await, nodes.store.load(&asking(&ended, &["a"])).await];
    commit(&node, &change(changed.guard(), &[("a", "2")])).await;
    let _ = node.invalidate(&Invalidate::Ticket(ended.guard())).await.unwrap();
    let [of_changed, of_ended] = copies.map(|copy| Some(copy.unwrap()));
    *nodes.store.hub.copy.lock().unwrap() = of_changed;
    for _ in 0..2 {
        assert_eq!(read(&node, &changed, "a").await.unwrap(), "2");
    }
    *nodes.store.hub.copy.lock().unwrap() = of_ended;
    assert!(open(&node, &asking(&ended, &["a"])).await.is_none());
}

#[tokio::test]
async fn what_lapses_is_read_anew() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let ticket = session(&node, &[("stays", "1")]).await;
    let mut brief = change(ticket.guard(), &[("brief", "1")]);
    let value = b"1".to_vec().into();
    brief.changes.attributes[0].edit = Edit::Set { value, ttl: Some(Duration::from_secs(5)) };
    commit(&node, &brief).await;
    assert!(read(&node, &ticket, "brief").await.is_some());
    nodes.clock.advance(Duration::from_millis(4999));
    assert_eq!(loads(&nodes, open(&node, &asking(&ticket, &["brief"]))).await, 0);
    nodes.clock.advance(Duration::from_millis(1));
    assert_eq!(read(&node, &ticket, "brief").await, None);
}

#[tokio::test]
async fn memory_is_bounded() {
    let nodes = Nodes::new().await;
    let (most, value) = (10_000, "x".repeat(2000));
    let node = Node::with(&nodes.store, &nodes.clock, most).await;
    let mut tickets = Vec::new();
    for _ in 0..10 {
        let ticket = session(&node, &[("a", &value)]).await;
        read(&node, &ticket, "a").await;
        assert!(node.cache.bytes() <= most, "{}", node.cache.bytes());
        tickets.push(ticket);
    }
    assert!(node.cache.len() > 1, "{}", node.cache.len());
    let newest = asking(&tickets[9], &["a"]);
    assert_eq!(loads(&nodes, open(&node, &newest)).await, 0);
    let oldest = asking(&tickets[0], &["a"]);
    assert_eq!(loads(&nodes, open(&node, &oldest)).await, 1);
    let huge = session(&node, &[("a", &"x".repeat(most))]).await;
    assert_eq!(read(&node, &huge, "a").await.unwrap().len(), most);
    assert_eq!(loads(&nodes, open(&node, &asking(&huge, &["a"]))).await, 1, "what does not fit is not kept");
    assert_eq!((node.cache.len(), node.cache.bytes()), (0, 0));
}

#[tokio::test]
async fn what_is_kept_keeps_no_buffer_of_the_driver() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let ticket = session(&node, &[("a", "1"), ("b", "2")]).await;
    let answer = open(&node, &asking(&ticket, &["a", "b"])).await;
    assert_eq!(nodes.store.hub.buffers(), 2);
    drop(answer);
    assert_eq!((nodes.store.hub.buffers(), node.cache.len()), (0, 1));
    assert_eq!(read(&node, &ticket, "b").await.unwrap(), "2");
}

#[tokio::test]
async fn what_is_ended_here_is_gone_here_at_once() {
    let nodes = Nodes::new().await;
    let node = nodes.store().await;
    let ada = Principal::from_static("ada");
    for way in 0..4 {
        let ticket = session(&node, &[("a", "1")]).await;
        let next = ticket.with_new_secret().unwrap();
        let mut signing_in = change(ticket.guard(), &[]);
        let bind = cloakroom::core::Bind { principal: ada.clone(), max_sessions: None };
        let proof = next.guard().proof;
        signing_in.changes.ticket =
            Some(cloakroom::core::TicketChange::SignIn { proof, grace: INTERVAL, bind });
        commit(&node, &signing_in).await;
        assert_eq!(read(&node, &next, "a").await.unwrap(), "1");
        let ending = match way {
            0 => Invalidate::Ticket(next.guard()),
            1 => Invalidate::Handle { handle: next.handle(), owner: None },
            2 => Invalidate::Principal { principal: ada.clone(), except: None },
            _ => Invalidate::Everyone,
        };
        // Not by way of the feed.
        nodes.store.hub.cut_off();
        let _ = node.cache.invalidate(&ending).await.unwrap();
        assert!(open(&node.cache, &asking(&next, &["a"])).await.is_none(), "{ending:?}");
        nodes.store.hub.cut_in();
        assert!(open(&node, &asking(&next, &["a"])).await.is_none(), "{ending:?}");
    }
}

#[tokio::test]
async fn a_store_that_tells_nothing_is_refused() {
    let refused = NearCache::new(MemoryStore::new()).unwrap_err();
    assert!(refused.to_string().contains("memory"), "{refused}");
    let shared = Arc::new(nodes_store().await);
    assert!(NearCache::new(shared).is_ok());
}

async fn nodes_store() -> crate::telling::Telling {
    Nodes::new().await.store
}
