//! A server that takes no writes any more, as the old primary after a switchover.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cloakroom_core::{ErrorKind, Loaded, Store as _, Ticket, Touch};
use cloakroom_sqlx::MySqlStore;
use servers::MariaDb;

use crate::support::*;

const CONNECTIONS: u32 = 6;

/// A store whose user may not write while the server is read-only, and a session.
async fn on(mariadb: &MariaDb) -> (MySqlStore, Ticket) {
    let owner = MySqlStore::connect(&mariadb.url()).await.unwrap();
    let ticket = session(&owner, "a", "1").await;
    let pool = MySqlStore::pool_options().max_connections(CONNECTIONS).connect(&limited(mariadb)).await;
    (MySqlStore::new(pool.unwrap()), ticket)
}

fn set_read_only(mariadb: &MariaDb, is_read_only: bool) {
    mariadb.sql(&format!("SET GLOBAL read_only = {is_read_only}")).unwrap();
}

/// Returns the numbers of the store's connections.
fn connections(mariadb: &MariaDb) -> HashSet<String> {
    let ids = "SELECT id FROM information_schema.processlist WHERE user = 'limited'";
    mariadb.sql(ids).unwrap().lines().map(str::to_owned).collect()
}

/// Also those that are in use, or being given back: reads must not stay with the old primary.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_connections_to_it_are_given_up_and_no_load_fails() {
    let mariadb = start(MariaDb::options()).await;
    let (store, ticket) = on(&mariadb).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let readers = (0..CONNECTIONS * 2).map(|_| {
        let (store, is_over) = (store.clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            while !is_over.load(Ordering::SeqCst) {
                assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    while connections(&mariadb).len() < CONNECTIONS as usize {}
    set_read_only(&mariadb, true);
    let before = connections(&mariadb);
    let error = store.commit(&change(ticket.guard(), vec![set("a", "2")])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    for _ in 0..200 {
        if before.is_disjoint(&connections(&mariadb)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    is_over.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(before.is_disjoint(&connections(&mariadb)), "a connection from before is still there");
    set_read_only(&mariadb, false);
    commit(&store, &change(ticket.guard(), vec![set("a", "2")])).await;
}

#[tokio::test]
async fn a_load_that_is_to_record_an_access_needs_no_server_that_takes_writes() {
    let mariadb = start(MariaDb::options()).await;
    let (store, ticket) = on(&mariadb).await;
    set_read_only(&mariadb, true);
    tokio::time::sleep(Duration::from_millis(2)).await;
    let touching = load(&ticket, &["a"], Touch::AtMostEvery(Duration::ZERO));
    assert!(matches!(store.load(&touching).await.unwrap(), Loaded::Open(_)));
}
