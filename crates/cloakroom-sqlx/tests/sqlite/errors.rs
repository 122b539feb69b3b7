use std::error::Error as _;
use std::time::Duration;

use cloakroom_core::{ErrorKind, Loaded, Store as _, Touch};
use cloakroom_sqlx::SqliteStore;
use cloakroom_testkit::Harness as _;

use crate::support::*;

#[tokio::test]
async fn a_closed_pool_is_unavailable() {
    let nodes = Nodes::new();
    nodes.store().await;
    let pool = nodes.tables().await;
    let store = SqliteStore::new(pool.clone());
    store.ping().await.unwrap();
    pool.close().await;
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.source().unwrap().downcast_ref::<sqlx::Error>().is_some(), "the driver's error is kept");
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_unavailable() {
    let nodes = Nodes::new();
    let error = SqliteStore::open(nodes.folder().join("nowhere/sessions.db")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupt() {
    let nodes = Nodes::new();
    std::fs::write(nodes.path(), "not a database, but long enough to be taken for one".repeat(100)).unwrap();
    let error = SqliteStore::open(nodes.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_database_that_may_not_be_written_refuses() {
    let nodes = Nodes::new();
    let ticket = session(&nodes.store().await, "a", "1").await;
    let store = nodes.store_with(1, nodes.options().read_only(true)).await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
    let error = store.commit(&change(ticket.guard(), Vec::new())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn a_load_that_is_to_record_an_access_needs_no_database_that_may_be_written() {
    let nodes = Nodes::new();
    let ticket = session(&nodes.store().await, "a", "1").await;
    let store = nodes.store_with(1, nodes.options().read_only(true)).await;
    let touching = load(&ticket, &["a"], Touch::AtMostEvery(Duration::ZERO));
    nodes.clock.advance(INTERVAL / 4);
    assert!(matches!(store.load(&touching).await.unwrap(), Loaded::Open(_)));
    nodes.clock.advance(INTERVAL / 2);
    let error = store.load(&touching).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "or it would expire while it is in use");
}

#[tokio::test]
async fn tables_that_were_dropped_meanwhile_refuse() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    let tables = nodes.tables().await;
    sqlx::query("DROP TABLE cloakroom_attributes").execute(&tables).await.unwrap();
    let error = open(&store, &ticket, &["a"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}
