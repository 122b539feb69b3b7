//! A feed that is cut, or that is late.

use std::time::Instant;

use serde_json::json;

use super::{BOUND, is_gone, keeps, seen_in_time};
use crate::support::{Backend, Node, Site, Visitor, eventually, for_one_store};

for_one_store!(
    redis,
    Redis,
    what_a_cut_feed_did_not_tell_is_seen,
    a_server_that_hears_nothing_says_nothing_old
);

for_one_store!(
    postgres,
    Postgres,
    what_a_cut_feed_did_not_tell_is_seen,
    a_server_that_hears_nothing_says_nothing_old
);

for_one_store!(
    nats,
    Nats,
    what_a_cut_feed_did_not_tell_is_seen,
    a_server_that_hears_nothing_says_nothing_old
);

async fn what_a_cut_feed_did_not_tell_is_seen(backend: Backend) {
    let site = Site::start(backend, &["--near-cache"]).await;
    let node = Node::of(&site).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    for round in 0..3 {
        keeps(&node.server, &visitor, "first").await;
        node.proxy.cut().await;
        visitor.set(site.a(), "first", round + 10).await;
        let acknowledged = Instant::now();
        let is_new = async || {
            // Its connections were cut: a request may find no store.
            let answer = visitor.clone().get(&node.server, "/attributes/first").await;
            answer.status == 200 && answer.json() == json!(round + 10)
        };
        seen_in_time(acknowledged, is_new).await;
    }
    keeps(&node.server, &visitor, "first").await;
    eventually(|| async { node.server.log().contains("the feed of changed sessions broke") }).await;
}

async fn a_server_that_hears_nothing_says_nothing_old(backend: Backend) {
    let site = Site::start(backend, &["--near-cache", "--store-timeout", "300ms"]).await;
    let node = Node::of(&site).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let (gone, _) = Visitor::with_session(site.a()).await;
    keeps(&node.server, &visitor, "first").await;
    keeps(&node.server, &gone, "first").await;
    node.proxy.black_hole();
    visitor.set(site.a(), "first", 2).await;
    gone.clone().post(site.a(), "/logout").await.is(204);
    let acknowledged = Instant::now();
    while acknowledged.elapsed() < BOUND + BOUND {
        for visitor in [&visitor, &gone] {
            let asked = Instant::now();
            let status = visitor.clone().get(&node.server, "/attributes/first").await.status;
            let is_old = status != 503;
            assert!(!is_old || asked < acknowledged + BOUND, "an answer later than the bound");
        }
    }
    node.proxy.pass().await;
    eventually(|| async { is_gone_or_fails(&node, &gone).await }).await;
    keeps(&node.server, &visitor, "first").await;
    assert_eq!(visitor.attribute(&node.server, "first").await, Some(json!(2)));
    assert!(is_gone(&node.server, &gone).await);
}

async fn is_gone_or_fails(node: &Node, visitor: &Visitor) -> bool {
    visitor.clone().get(&node.server, "/attributes/first").await.status == 404
}
