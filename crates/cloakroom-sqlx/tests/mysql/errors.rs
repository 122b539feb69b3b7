use std::error::Error as _;
use std::time::Duration;

use cloakroom_core::{ErrorKind, Store as _};
use cloakroom_sqlx::MySqlStore;
use cloakroom_testkit::Harness as _;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, Executor as _};

use crate::support::*;

fn waiting(patience: Duration, options: MySqlConnectOptions) -> MySqlStore {
    let pool = MySqlStore::pool_options().max_connections(2).acquire_timeout(patience);
    MySqlStore::new(pool.connect_lazy_with(options))
}

#[tokio::test]
async fn a_closed_pool_is_unavailable() {
    let nodes = Nodes::new().await;
    nodes.store().await;
    let pool = nodes.tables().await;
    let store = MySqlStore::new(pool.clone());
    store.ping().await.unwrap();
    pool.close().await;
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.source().unwrap().downcast_ref::<sqlx::Error>().is_some(), "the driver's error is kept");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_timeout() {
    let port = servers::Port::claim().unwrap();
    let store = waiting(Duration::from_millis(200), server().port(port.number()));
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_pool_that_is_exhausted_is_a_timeout() {
    let nodes = Nodes::new().await;
    nodes.store().await;
    let options = MySqlStore::pool_options().max_connections(1).acquire_timeout(Duration::from_secs(3));
    let pool = options.connect_with(nodes.options()).await.unwrap();
    let store = MySqlStore::new(pool.clone());
    store.ping().await.unwrap();
    let taken = pool.acquire().await.unwrap();
    assert_eq!(store.ping().await.unwrap_err().kind(), ErrorKind::Timeout);
    drop(taken);
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_or_url_is_refused() {
    let patience = Duration::from_secs(10);
    let error = waiting(patience, server().password("wrong")).ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let error = MySqlStore::connect("not a url").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let error = waiting(patience, server().database("nowhere")).ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[tokio::test]
async fn a_database_that_may_not_be_written_is_unavailable() {
    let nodes = Nodes::new().await;
    let ticket = session(&nodes.store().await, "a", "1").await;
    let options = MySqlStore::pool_options().after_connect(|connection, _| {
        Box::pin(async { connection.execute("SET SESSION TRANSACTION READ ONLY").await.map(|_| ()) })
    });
    let store = MySqlStore::new(options.connect_with(nodes.options()).await.unwrap());
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
    let error = store.commit(&change(ticket.guard(), Vec::new())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn tables_that_were_dropped_meanwhile_refuse() {
    let nodes = Nodes::new().await;
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    let tables = nodes.tables().await;
    tables.execute("DROP TABLE cloakroom_attributes").await.unwrap();
    let error = open(&store, &ticket, &["a"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.source().unwrap().to_string().contains("`MySqlStore::migrate`"));
}

#[tokio::test]
async fn a_connection_that_the_server_has_ended_is_unavailable_and_replaced() {
    let nodes = Nodes::new().await;
    nodes.store().await;
    let pool = nodes.tables().await;
    let store = MySqlStore::new(pool.clone());
    let ticket = session(&store, "a", "1").await;
    let id: u64 = sqlx::query_scalar("SELECT CONNECTION_ID()").fetch_one(&pool).await.unwrap();
    let mut other = nodes.connection().await;
    let held = pool.acquire().await.unwrap();
    other.execute(AssertSqlSafe(format!("KILL {id}"))).await.unwrap();
    drop(held);
    let _ = open(&store, &ticket, &["a"]).await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
}
