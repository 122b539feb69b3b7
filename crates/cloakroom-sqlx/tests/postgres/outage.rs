//! Servers that die, stop, or are out of reach, and come back.

use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Loaded, Store, Ticket};
use cloakroom_sqlx::PostgresStore;
use servers::{Postgres, PostgresPair};
use sqlx::postgres::PgPoolOptions;
use tokio::time::timeout;

use crate::support::*;

/// As long as a caller waits for an operation.
const PATIENCE: Duration = Duration::from_millis(300);

/// Waits until the store serves again.
async fn until_back(store: &PostgresStore, ticket: &Ticket) {
    let recovering = async {
        loop {
            let change = change(ticket.guard(), vec![set("a", "again")]);
            if let Ok(Ok(_)) = timeout(Duration::from_secs(2), store.commit(&change)).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), recovering).await.expect("the store recovers by itself");
}

/// Uses several connections at once, so that several are idle afterwards.
async fn warm_up(store: &PostgresStore, ticket: &Ticket) {
    let loads = [(); 4].map(|()| async { open(store, ticket, &["a"]).await.unwrap().unwrap() });
    let [one, two, three, four] = loads;
    tokio::join!(one, two, three, four);
}

async fn assert_unavailable(store: &PostgresStore, ticket: &Ticket) {
    let error: Error =
        timeout(Duration::from_secs(10), open(store, ticket, &["a"])).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}

#[tokio::test]
async fn a_server_that_was_killed_and_restarted() {
    let mut server = Postgres::start().unwrap();
    let pool =
        PgPoolOptions::new().acquire_timeout(Duration::from_secs(5)).connect(&server.url()).await.unwrap();
    let stores = [PostgresStore::connect(&server.url()).await.unwrap(), PostgresStore::new(pool)];
    for store in stores {
        let ticket = session(&store, "a", "1").await;
        warm_up(&store, &ticket).await;
        commit(&store, &change(ticket.guard(), vec![set("a", "acknowledged")])).await;
        server.kill();
        assert!(timeout(Duration::from_secs(10), open(&store, &ticket, &["a"])).await.unwrap().is_err());
        server.restart().unwrap();
        let value = loop {
            if let Ok(Some(opened)) = open(&store, &ticket, &["a"]).await {
                break opened.attributes[0].value.clone();
            }
        };
        assert_eq!(value, "acknowledged");
        until_back(&store, &ticket).await;
    }
}

/// Of all idle connections that a restart has broken one is tried, at most; the others are given up with it.
#[tokio::test]
async fn one_broken_connection_tells_of_the_others() {
    let database = Database::new();
    let url = format!("{}?application_name={}", database.url(), database.schema());
    let store = database.at(PostgresStore::connect_lazy(&url).unwrap());
    store.migrate().await.unwrap();
    let ticket = session(&store, "a", "1").await;
    let mut tables = database.tables().await;
    let ours = format!("FROM pg_stat_activity WHERE application_name = '{}'", database.schema());
    let count = format!("SELECT count(*) {ours}");
    while scalar::<i64>(&mut tables, &count).await < 4 {
        warm_up(&store, &ticket).await;
    }
    scalar::<i64>(&mut tables, &format!("SELECT count(pg_terminate_backend(pid, 10000)) {ours}")).await;
    let mut failures = 0;
    for _ in 0..8 {
        failures += usize::from(open(&store, &ticket, &["a"]).await.is_err());
    }
    assert!(failures <= 1, "{failures} requests failed");
}

#[tokio::test]
async fn a_server_that_is_away_is_told_at_once() {
    let mut server = Postgres::start().unwrap();
    let store = PostgresStore::connect(&server.url()).await.unwrap();
    let ticket = session(&store, "a", "1").await;
    server.kill();
    for _ in 0..5 {
        assert_unavailable(&store, &ticket).await;
    }
}

/// Operations hang and their futures are dropped; when the server goes on, so does the store.
#[tokio::test]
async fn a_server_that_stops_for_a_while() {
    let server = Postgres::start().unwrap();
    let store = PostgresStore::connect(&server.url()).await.unwrap().max_connections(2);
    let ticket = session(&store, "a", "1").await;
    warm_up(&store, &ticket).await;
    server.pause();
    for _ in 0..5 {
        assert!(timeout(PATIENCE, open(&store, &ticket, &["a"])).await.is_err(), "there is no answer");
    }
    server.resume();
    until_back(&store, &ticket).await;
}

/// Connections that lead nowhere any more are given up.
async fn survives_a_black_hole(proxy: &Proxy, store: PostgresStore) {
    store.migrate().await.unwrap();
    let ticket = session(&store, "a", "1").await;
    warm_up(&store, &ticket).await;
    proxy.swallow(true);
    for _ in 0..6 {
        assert!(timeout(PATIENCE, open(&store, &ticket, &["a"])).await.is_err(), "there is no answer");
    }
    proxy.swallow(false);
    until_back(&store, &ticket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_swallows_everything() {
    let proxy = Proxy::to(port_of(&shared_url())).await;
    let database = Database::new();
    let store = PostgresStore::connect_lazy(&proxy.url(database.url())).unwrap();
    survives_a_black_hole(&proxy, database.at(store.max_connections(4))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_swallows_everything_of_a_pool() {
    let proxy = Proxy::to(port_of(&shared_url())).await;
    let database = Database::new();
    let options = PgPoolOptions::new().max_connections(4).test_before_acquire(false);
    let pool = options.connect(&proxy.url(database.url())).await.unwrap();
    survives_a_black_hole(&proxy, database.at(PostgresStore::new(pool))).await;
}

/// Of all connections that lead nowhere one request has to wait for an answer until its time is over, not each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_without_an_answer_casts_doubt_on_the_others() {
    let proxy = Proxy::to(port_of(&shared_url())).await;
    let database = Database::new();
    let store = database.at(PostgresStore::connect_lazy(&proxy.url(database.url())).unwrap());
    store.migrate().await.unwrap();
    let ticket = session(&store, "a", "1").await;
    warm_up(&store, &ticket).await;
    proxy.swallow(true);
    assert!(timeout(PATIENCE, open(&store, &ticket, &["a"])).await.is_err(), "there is no answer");
    proxy.swallow(false);
    let opened = timeout(Duration::from_secs(20), open(&store, &ticket, &["a"])).await;
    assert!(opened.expect("in time").unwrap().is_some());
}

#[tokio::test]
async fn a_promoted_standby_is_found() {
    let mut pair = PostgresPair::start(&Postgres::options()).unwrap();
    pair.wait_for_standby().unwrap();
    let store = PostgresStore::connect(&pair.url()).await.unwrap();
    let (kept, ended) = (session(&store, "a", "acknowledged").await, session(&store, "a", "1").await);
    warm_up(&store, &kept).await;
    store.invalidate(&cloakroom_core::Invalidate::Ticket(ended.guard())).await.unwrap();
    pair.primary().kill();
    assert_unavailable(&store, &kept).await;
    pair.promote().unwrap();
    until_back(&store, &kept).await;
    assert!(open(&store, &ended, &[]).await.unwrap().is_none(), "what has ended stays ended");
    assert_eq!(open(&store, &kept, &[]).await.unwrap().unwrap().meta.version.0, 2);
}

/// A commit waits for a standby that must confirm it. A load does not, though it records an access.
#[tokio::test]
async fn a_load_does_not_wait_for_a_standby() {
    let mut pair = PostgresPair::start(&Postgres::options()).unwrap();
    pair.wait_for_standby().unwrap();
    let store = PostgresStore::connect(&pair.url()).await.unwrap();
    let (one, two) = (session(&store, "a", "1").await, session(&store, "a", "1").await);
    let accessed_at = async || open(&store, &one, &[]).await.unwrap().unwrap().meta.accessed_at;
    let before = accessed_at().await;
    pair.standby().pause();
    let change = change(two.guard(), vec![set("a", "2")]);
    assert!(timeout(PATIENCE, store.commit(&change)).await.is_err(), "nobody confirms it");
    let access = load(&one, &["a"], ALWAYS);
    let loaded = timeout(Duration::from_secs(10), store.load(&access)).await.expect("no waiting");
    assert!(matches!(loaded.unwrap(), Loaded::Open(_)));
    assert!(accessed_at().await > before);
    pair.standby().resume();
    commit(&store, &change).await;
}

/// The standby stands first in the URL, and answers: it is not taken for a server that can hold sessions.
#[tokio::test]
async fn a_standby_is_not_written_to() {
    let mut pair = PostgresPair::start(&Postgres::options()).unwrap();
    let (primary, standby) = (pair.primary().port(), pair.standby().port());
    let url = |hosts: &str| format!("postgres://cloakroom:cloakroom@{hosts}/cloakroom");
    let both = url(&format!("127.0.0.1:{standby},127.0.0.1:{primary}"));
    let store = PostgresStore::connect(&both).await.unwrap();
    session(&store, "a", "1").await;
    let error = PostgresStore::connect(&url(&format!("127.0.0.1:{standby}"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

/// A server that goes over to taking no writes is left, though its connections still work.
#[tokio::test]
async fn a_server_that_takes_no_writes_any_more_is_left() {
    let first = Postgres::start().unwrap();
    let second = Postgres::start().unwrap();
    let url = format!(
        "postgres://cloakroom:cloakroom@127.0.0.1:{},127.0.0.1:{}/cloakroom",
        first.port(),
        second.port()
    );
    PostgresStore::connect(&second.url()).await.unwrap();
    let store = PostgresStore::connect(&url).await.unwrap();
    session(&store, "a", "1").await;
    first.sql("ALTER SYSTEM SET default_transaction_read_only = on").unwrap();
    first.sql("SELECT pg_reload_conf()").unwrap();
    let ticket = Ticket::generate().unwrap();
    let error = loop {
        if let Err(error) = store.commit(&create(Ticket::generate().unwrap().guard(), Vec::new())).await {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    commit(&store, &create(ticket.guard(), vec![set("a", "elsewhere")])).await;
    let elsewhere = PostgresStore::connect(&second.url()).await.unwrap();
    assert_eq!(read(&elsewhere, &ticket, "a").await.unwrap(), "elsewhere");
}
