use std::error::Error as _;

use cloakroom_core::{Error, ErrorKind, Store as _, Ticket};
use cloakroom_sqlx::{InvalidNamespace, SqliteStore};
use cloakroom_testkit::Harness as _;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnectOptions;

use crate::support::*;

fn cause(error: &Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

#[tokio::test]
async fn without_tables_every_operation_says_how_to_make_them() {
    let nodes = Nodes::new();
    let store = SqliteStore::new(nodes.tables().await);
    let ticket = Ticket::generate().unwrap();
    let errors = [
        store.ping().await.unwrap_err(),
        open(&store, &ticket, &["a"]).await.unwrap_err(),
        store.commit(&create(ticket.guard(), Vec::new())).await.unwrap_err(),
        store.sessions_of(&principal("ada")).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(cause(&error).contains("`SqliteStore::migrate`"), "{}", cause(&error));
        assert!(cause(&error).contains("cloakroom_"), "{}", cause(&error));
    }
    store.migrate().await.unwrap();
    commit(&store, &create(ticket.guard(), Vec::new())).await;
}

#[tokio::test]
async fn migrating_again_keeps_everything() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "kept").await;
    store.migrate().await.unwrap();
    nodes.store().await.migrate().await.unwrap();
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "kept");
}

#[tokio::test]
async fn the_exported_sql_is_enough_and_can_be_run_again() {
    let nodes = Nodes::new();
    let tables = nodes.tables().await;
    let store = SqliteStore::new(tables.clone()).namespace("shop").unwrap();
    for _ in 0..2 {
        sqlx::raw_sql(AssertSqlSafe(store.schema())).execute(&tables).await.unwrap();
    }
    let ticket = session(&store, "a", "1").await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
    assert_eq!(count(&tables, "shop_sessions").await, 1);
    let of_others = "sqlite_schema WHERE name LIKE 'cloakroom%' AND sql IS NOT NULL";
    assert_eq!(count(&tables, of_others).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_open_a_new_file_at_once() {
    for _ in 0..5 {
        let nodes = Nodes::new();
        let opening: Vec<_> = (0..8).map(|_| tokio::spawn(SqliteStore::open(nodes.path()))).collect();
        for store in opening {
            store.await.unwrap().unwrap().ping().await.unwrap();
        }
    }
}

/// Going over to a write-ahead log is what SQLite does not wait for by itself while somebody writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_being_written_is_opened_when_that_is_over() {
    let (nodes, log) = (Nodes::new(), Log::install());
    let old = SqliteConnectOptions::new().filename(nodes.path()).create_if_missing(true);
    let writing = pool_of(1, old).await.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let tries = || log.events_with("PRAGMA journal_mode = WAL").len();
    let before = tries();
    let opening = tokio::spawn(SqliteStore::open(nodes.path()));
    while tries() == before {
        tokio::task::yield_now().await;
    }
    writing.rollback().await.unwrap();
    opening.await.unwrap().unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn tables_of_another_layout_are_refused() {
    let nodes = Nodes::new();
    nodes.store().await;
    let tables = nodes.tables().await;
    sqlx::query("UPDATE cloakroom_state SET layout = 2").execute(&tables).await.unwrap();
    let error = SqliteStore::open(nodes.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(cause(&error).contains("layout 2"), "{}", cause(&error));
}

#[tokio::test]
async fn a_pool_without_foreign_keys_is_refused() {
    let nodes = Nodes::new();
    nodes.store().await;
    let store = nodes.store_with(1, nodes.options().foreign_keys(false)).await;
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(cause(&error).contains("foreign_keys"), "{}", cause(&error));
}

#[tokio::test]
async fn a_database_in_memory_needs_one_connection_that_stays() {
    for path in [":memory:", ""] {
        let error = SqliteStore::open(path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
    }
    let in_memory = || SqliteConnectOptions::new().in_memory(true);
    for connections in [1, 2] {
        let error = SqliteStore::new(pool_of(connections, in_memory()).await).migrate().await.unwrap_err();
        assert!(cause(&error).contains("exactly one connection"), "{}", cause(&error));
    }
    let lasting =
        sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let store = SqliteStore::new(lasting.connect_with(in_memory()).await.unwrap());
    store.migrate().await.unwrap();
    let ticket = session(&store, "a", "1").await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
}

#[tokio::test]
async fn a_namespace_is_checked_and_told() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    assert_eq!(&*store.about().namespace, "cloakroom");
    assert_eq!(store.clone().namespace("a; DROP TABLE x").unwrap_err(), InvalidNamespace);
    let shop = store.namespace("shop").unwrap();
    assert_eq!(&*shop.about().namespace, "shop");
    assert_eq!(shop.ping().await.unwrap_err().kind(), ErrorKind::Refused, "it has no tables yet");
}
