//! The network between a node and the server breaks, or swallows everything.

use std::time::Duration;

use cloakroom_core::{ErrorKind, Store as _};
use cloakroom_sqlx::MySqlStore;
use cloakroom_testkit::Harness as _;
use sqlx::mysql::MySqlPool;
use tokio::time::timeout;

use crate::support::*;

const CONNECTIONS: u32 = 6;

/// A node behind a proxy, all of whose connections are open.
async fn warm(nodes: &Nodes, proxy: &Proxy) -> (MySqlStore, MySqlPool) {
    nodes.store().await;
    let options =
        MySqlStore::pool_options().max_connections(CONNECTIONS).acquire_timeout(Duration::from_secs(20));
    let pool = options.connect_with(proxy.through(nodes.options())).await.unwrap();
    let store = MySqlStore::new(pool.clone());
    store.ping().await.unwrap();
    let mut all = Vec::new();
    for _ in 0..CONNECTIONS {
        all.push(pool.acquire().await.unwrap());
    }
    drop(all);
    while pool.num_idle() < CONNECTIONS as usize {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    (store, pool)
}

#[tokio::test]
async fn connections_that_were_cut_cost_one_failure_and_not_one_each() {
    let (nodes, proxy) = (Nodes::new().await, Proxy::new(&server()).await);
    let (store, _pool) = warm(&nodes, &proxy).await;
    let ticket = session(&store, "a", "1").await;
    proxy.cut();
    let error = open(&store, &ticket, &["a"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    for number in 0..CONNECTIONS * 2 {
        assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1", "load {number} after the failure");
    }
    commit(&store, &change(ticket.guard(), vec![set("a", "2")])).await;
}

#[tokio::test]
async fn a_black_hole_is_over_when_it_is_over() {
    let (nodes, proxy) = (Nodes::new().await, Proxy::new(&server()).await);
    let (store, _pool) = warm(&nodes, &proxy).await;
    let ticket = session(&store, "a", "1").await;
    proxy.hold();
    let change = change(ticket.guard(), vec![set("a", "2")]);
    for _ in 0..CONNECTIONS + 1 {
        let swallowed = timeout(Duration::from_millis(50), store.commit(&change)).await;
        assert!(swallowed.is_err() || swallowed.unwrap().is_err(), "nothing gets through");
    }
    proxy.let_go();
    commit(&store, &change).await;
    let opened = open(&store, &ticket, &["a"]).await.unwrap().unwrap();
    assert_eq!((opened.meta.version.0, &opened.attributes[0].value[..]), (2, &b"2"[..]), "applied once");
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again() {
    let (nodes, proxy) = (Nodes::new().await, Proxy::new(&server()).await);
    let (store, _pool) = warm(&nodes, &proxy).await;
    for is_simple in [true, false] {
        let ticket = session(&store, "a", "0").await;
        let mut change = change(ticket.guard(), vec![set("a", "1")]);
        change.changes.clear = !is_simple;
        let stored = async {
            while read(&nodes.node(1).await, &ticket, "a").await.unwrap() != "1" {}
            proxy.cut();
        };
        proxy.hold_answers_after(if is_simple { 1 } else { 2 });
        let (result, ()) = tokio::join!(store.commit(&change), stored);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Unavailable);
        proxy.let_go();
        commit(&store, &change).await;
        let opened = open(&store, &ticket, &["a"]).await.unwrap().unwrap();
        assert_eq!(opened.meta.version.0, 2, "applied once");
    }
}
