use std::time::Duration;

use cloakroom_core::{ErrorKind, Loaded, Store as _, Touch};
use cloakroom_sqlx::SqliteStore;
use cloakroom_testkit::Harness as _;
use sqlx::{Sqlite, Transaction};

use crate::support::*;

const ALWAYS: Touch = Touch::AtMostEvery(Duration::ZERO);

/// Opens the file while another store has it open: closing the last connection to it locks it for a while.
async fn impatient(nodes: &Nodes) -> SqliteStore {
    nodes.store_with(2, nodes.options().busy_timeout(Duration::from_millis(20))).await
}

/// Takes the write lock, as another process might.
async fn lock(nodes: &Nodes) -> Transaction<'static, Sqlite> {
    nodes.tables().await.begin_with("BEGIN IMMEDIATE").await.unwrap()
}

#[tokio::test]
async fn a_commit_that_finds_the_database_busy_is_a_timeout() {
    let nodes = Nodes::new();
    let first = nodes.store().await;
    let ticket = session(&first, "a", "1").await;
    let store = impatient(&nodes).await;
    let lock = lock(&nodes).await;
    let error = store.commit(&change(ticket.guard(), vec![set("a", "2")])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1", "a load without touch waits for nobody");
    lock.rollback().await.unwrap();
    commit(&store, &change(ticket.guard(), vec![set("a", "2")])).await;
}

#[tokio::test]
async fn a_load_need_not_record_the_access_while_the_database_is_busy() {
    let nodes = Nodes::new();
    let first = nodes.store().await;
    let ticket = session(&first, "a", "1").await;
    let store = impatient(&nodes).await;
    nodes.clock.advance(INTERVAL / 4);
    let lock = lock(&nodes).await;
    let loaded = store.load(&load(&ticket, &["a"], ALWAYS)).await.unwrap();
    assert!(matches!(loaded, Loaded::Open(_)));
    lock.rollback().await.unwrap();
    let before = open(&store, &ticket, &[]).await.unwrap().unwrap().meta.accessed_at;
    let _ = store.load(&load(&ticket, &["a"], ALWAYS)).await.unwrap();
    let after = open(&store, &ticket, &[]).await.unwrap().unwrap().meta.accessed_at;
    assert_eq!(after.since(before), INTERVAL / 4, "the next load does it");
}

#[tokio::test]
async fn a_load_fails_rather_than_let_the_session_end() {
    let nodes = Nodes::new();
    let first = nodes.store().await;
    let ticket = session(&first, "a", "1").await;
    let store = impatient(&nodes).await;
    nodes.clock.advance(INTERVAL / 2);
    let _lock = lock(&nodes).await;
    let error = store.load(&load(&ticket, &["a"], ALWAYS)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

/// Between the reading of a session and the recording of its access the session ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_is_overtaken_reads_again() {
    let (nodes, log) = (Nodes::new(), Log::install());
    let store = nodes.store().await.namespace("overtaken").unwrap();
    store.migrate().await.unwrap();
    let ticket = session(&store, "a", "1").await;
    nodes.clock.advance(INTERVAL / 2);
    let mut ending = lock(&nodes).await;
    sqlx::query("DELETE FROM overtaken_sessions").execute(&mut *ending).await.unwrap();
    let loading = tokio::spawn(async move { store.load(&load(&ticket, &["a"], ALWAYS)).await.unwrap() });
    while log.events_with("SELECT s.record, a.name").iter().all(|event| !event.contains("overtaken_")) {
        tokio::task::yield_now().await;
    }
    ending.commit().await.unwrap();
    assert!(matches!(loading.await.unwrap(), Loaded::Absent));
}

#[tokio::test]
async fn a_load_asks_for_a_second_connection_only_after_giving_the_first_back() {
    let nodes = Nodes::new();
    nodes.store().await;
    let store = nodes.store_with(1, nodes.options()).await;
    let ticket = session(&store, "a", "1").await;
    nodes.clock.advance(INTERVAL / 4);
    let Loaded::Open(first) = store.load(&load(&ticket, &["a"], ALWAYS)).await.unwrap() else {
        panic!("not open")
    };
    let after = open(&store, &ticket, &[]).await.unwrap().unwrap().meta.accessed_at;
    assert_eq!(after.since(first.meta.accessed_at), INTERVAL / 4, "the access was recorded at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pool_of_one_connection_serves_many_at_once() {
    let nodes = Nodes::new();
    nodes.store().await;
    let store = nodes.store_with(1, nodes.options()).await;
    let ticket = session(&store, "a", "1").await;
    let tasks = (0..16).map(|number| {
        let (store, clock) = (store.clone(), nodes.clock.clone());
        tokio::spawn(async move {
            for _ in 0..10 {
                clock.advance(Duration::from_millis(1));
                let _ = store.load(&load(&ticket, &["a"], ALWAYS)).await.unwrap();
                commit(&store, &change(ticket.guard(), vec![set(&format!("a{number}"), "x")])).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let meta = open(&store, &ticket, &[]).await.unwrap().unwrap().meta;
    assert_eq!((meta.version.0, meta.attributes), (161, 17));
}
