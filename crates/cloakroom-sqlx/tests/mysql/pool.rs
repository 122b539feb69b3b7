//! What the pool wants done with a connection before it is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cloakroom_sqlx::MySqlStore;
use cloakroom_testkit::Harness as _;
use sqlx::mysql::MySqlPool;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use crate::support::*;

/// Opens a pool of one connection, which is asked for a sign of life before each use, and counts how often.
async fn asking(nodes: &Nodes) -> (MySqlPool, Arc<AtomicUsize>) {
    nodes.store().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let options = MySqlStore::pool_options().max_connections(1).before_acquire(move |connection, _| {
        count.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { connection.ping().await.map(|()| true) })
    });
    (options.connect_with(nodes.options()).await.unwrap(), asked)
}

/// Waits until the connection was given back.
async fn idle(pool: &MySqlPool) {
    while pool.num_idle() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_hook_of_the_pools_own_is_called_for_each_operation() {
    let nodes = Nodes::new().await;
    let (pool, asked) = asking(&nodes).await;
    let store = MySqlStore::new(pool.clone());
    let ticket = session(&store, "a", "1").await;
    for _ in 0..5 {
        idle(&pool).await;
        let before = asked.load(Ordering::SeqCst);
        assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
        assert_eq!(asked.load(Ordering::SeqCst), before + 1);
    }
}

#[tokio::test]
async fn a_connection_that_the_hook_finds_dead_is_replaced_and_nothing_fails() {
    let nodes = Nodes::new().await;
    let (pool, _) = asking(&nodes).await;
    let (store, tables) = (MySqlStore::new(pool.clone()), nodes.tables().await);
    let ticket = session(&store, "a", "1").await;
    let id: u64 = sqlx::query_scalar("SELECT CONNECTION_ID()").fetch_one(&pool).await.unwrap();
    idle(&pool).await;
    tables.execute(AssertSqlSafe(format!("KILL {id}"))).await.unwrap();
    let gone = format!("SELECT NOT EXISTS (SELECT 1 FROM information_schema.processlist WHERE id = {id})");
    wait_until(&tables, &gone).await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
}
