//! Behind `PgBouncer` in transaction mode: each statement may run on another server connection.

use cloakroom_core::{Invalidate, Store as _};
use cloakroom_sqlx::PostgresStore;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::str::FromStr as _;

use crate::conformance::{Ways, run_timeless};
use crate::support::*;

/// More sessions than the pooler has server connections, and a pool beside the store's own connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cases_that_are_not_about_time() {
    let pooler = Pooler::start();
    let options = PgConnectOptions::from_str(&pooler.url()).unwrap().extra_float_digits(None);
    let pool = PgPoolOptions::new().max_connections(12).connect_with(options).await.unwrap();
    let of_own = PostgresStore::connect_lazy(&pooler.url()).unwrap().max_connections(12);
    let of_pool = PostgresStore::new(pool.clone()).behind_pooler(true);
    let report = run_timeless(Ways { of_pool, of_own: of_own.behind_pooler(true), pool }).await;
    assert!(report.verdicts().len() > 150 && report.is_passed(), "{report}");
}

#[tokio::test]
async fn a_load_is_one_round_trip_there_too() {
    let pooler = Pooler::start();
    let proxy = Proxy::to(pooler.port()).await;
    let database = Database::new();
    let url = proxy.url(&pooler.url());
    let store = database.at(PostgresStore::connect_lazy(&url).unwrap().behind_pooler(true));
    store.migrate().await.unwrap();
    let ticket = session(&store, "it's", "1").await;
    for _ in 0..2 {
        let load = load(&ticket, &["it's"], ALWAYS);
        assert_eq!(proxy.of(async { store.load(&load).await.unwrap() }).await.round_trips, 1);
        let change = change(ticket.guard(), vec![set("it's", "2")]);
        assert_eq!(proxy.of(commit(&store, &change)).await.round_trips, 1);
    }
    store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap();
    assert!(open(&store, &ticket, &[]).await.unwrap().is_none());
}

/// The server's way to write bytes as text may be any: it is the user's setting, or one that another client of the pooler has
/// left on the connection.
#[tokio::test]
async fn bytes_may_be_written_in_escapes() {
    let database = Database::new();
    let url = format!("{}?options[bytea_output]=escape", database.url());
    let store = PostgresStore::connect_lazy(&url).unwrap().behind_pooler(true).tell_changes();
    let store = database.at(store);
    store.migrate().await.unwrap();
    let every_byte = (0..=255).collect::<Vec<u8>>();
    let ticket = session(&store, "a", every_byte.clone()).await;
    let (ticket, signing_in) = sign_in(&ticket, "ada");
    commit(&store, &signing_in).await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), every_byte);
    assert_eq!(store.sessions_of(&principal("ada")).await.unwrap().len(), 1);
    let another = session(&store, "a", "1").await;
    store.invalidate(&Invalidate::Ticket(another.guard())).await.unwrap();
    age_all(&mut database.tables().await).await;
    assert_eq!(sweep(&store).await, [ticket.handle()]);
    store.acknowledge(&[ticket.handle()]).await.unwrap();
    store.invalidate(&Invalidate::Everyone).await.unwrap();
}
