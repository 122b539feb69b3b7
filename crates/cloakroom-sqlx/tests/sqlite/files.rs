use cloakroom_core::{Limits, Store as _};
use cloakroom_sqlx::SqliteStore;
use cloakroom_testkit::Harness as _;
use sqlx::SqlitePool;

use crate::support::*;

async fn pragma<T>(pool: &SqlitePool, sql: &'static str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + Unpin,
{
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn sessions_are_there_when_the_file_is_opened_again() {
    let nodes = Nodes::new();
    let pool = pool_of(2, nodes.options()).await;
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.unwrap();
    let ticket = session(&store, "a", "kept").await;
    drop(store);
    pool.close().await;
    let again = SqliteStore::open(nodes.path()).await.unwrap();
    assert_eq!(read(&again, &ticket, "a").await.unwrap(), "kept");
}

#[tokio::test]
async fn the_settings_are_those_documented() {
    let nodes = Nodes::new();
    nodes.store().await;
    let pool = nodes.tables().await;
    assert_eq!(pragma::<String>(&pool, "PRAGMA journal_mode").await, "wal");
    assert_eq!(pragma::<i64>(&pool, "PRAGMA synchronous").await, 2, "FULL");
    assert_eq!(pragma::<i64>(&pool, "PRAGMA foreign_keys").await, 1);
    assert_eq!(pragma::<i64>(&pool, "PRAGMA busy_timeout").await, 5000);
    assert_eq!(pragma::<i64>(&pool, "PRAGMA journal_size_limit").await, 64 << 20);
}

#[tokio::test]
async fn a_session_of_a_thousand_attributes_and_a_megabyte_comes_back() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "n", "1").await;
    let value = |number: usize| vec![number as u8; number];
    let attributes = (0..1023).map(|number| set(&format!("a{number}"), value(number))).collect();
    commit(&store, &change(ticket.guard(), attributes)).await;
    let mut large = change(ticket.guard(), vec![set("n", vec![7; 1 << 19])]);
    large.limits = Limits { attribute_bytes: 1 << 20, session_bytes: 2 << 20, ..Limits::default() };
    commit(&store, &large).await;

    let cloakroom_core::Loaded::Open(opened) = store.load(&everything(&ticket)).await.unwrap() else {
        panic!("not open")
    };
    assert_eq!(opened.meta.attributes, 1024);
    assert_eq!(opened.names.unwrap().len(), 1024);
    let found = opened.attributes.iter().find(|it| it.name.as_str() == "a777").unwrap();
    assert_eq!(found.value, value(777));
    let sum: usize = opened.attributes.iter().map(|it| it.value.len()).sum();
    assert_eq!(sum, (0..1023).sum::<usize>() + (1 << 19));

    let wanted: Vec<_> = (0..1023).map(|number| format!("a{number}")).collect();
    let wanted: Vec<_> = wanted.iter().map(String::as_str).collect();
    assert_eq!(open(&store, &ticket, &wanted).await.unwrap().unwrap().attributes.len(), 1023);
}

#[tokio::test]
async fn a_name_asked_for_twice_is_read_once() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a\"\\", "1").await;
    let opened = open(&store, &ticket, &["a\"\\", "b", "a\"\\"]).await.unwrap().unwrap();
    assert_eq!(opened.attributes.len(), 1);
}
