//! A feed that is cut, or that is late.

use std::time::Instant;

use serde_json::json;

use super::{BOUND, is_gone, keeps, seen_in_time};
use crate::support::{Backend, Node, PATIENCE, Site, Visitor, eventually, for_one_store, served};

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
            (answer.status != 503).then(|| answer.is(200).json() == json!(round + 10))
        };
        seen_in_time(acknowledged, is_new).await;
    }
    keeps(&node.server, &visitor, "first").await;
    eventually(|| async { node.server.log().contains("the feed of changed sessions broke") }).await;
}

async fn a_server_that_hears_nothing_says_nothing_old(backend: Backend) {
    let site = Site::start(backend, &["--near-cache"]).await;
    let node = Node::with(&site, &["--store-timeout", "2s"]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let (gone, _) = Visitor::with_session(site.a()).await;
    keeps(&node.server, &visitor, "first").await;
    keeps(&node.server, &gone, "first").await;
    node.proxy.black_hole();
    visitor.set(site.a(), "first", 2).await;
    gone.clone().post(site.a(), "/logout").await.is(204);
    let acknowledged = Instant::now();
    let mut refused = [false; 2];
    while acknowledged.elapsed() < BOUND + BOUND || refused != [true; 2] {
        assert!(acknowledged.elapsed() < PATIENCE, "{refused:?}");
        for (visitor, refused) in [&visitor, &gone].into_iter().zip(&mut refused) {
            let asked = Instant::now();
            let status = visitor.clone().get(&node.server, "/attributes/first").await.status;
            *refused = status == 503;
            assert!(*refused || asked < acknowledged + BOUND, "an answer later than the bound");
        }
    }
    node.proxy.pass().await;
    served(&gone, &node.server, "/attributes/first").await.is(404);
    keeps(&node.server, &visitor, "first").await;
    assert_eq!(served(&visitor, &node.server, "/attributes/first").await.is(200).json(), json!(2));
    assert!(is_gone(&node.server, &gone).await);
}
