//! What cannot be done to a server that others use.

use std::collections::HashSet;
use std::time::Duration;

use cloakroom_core::{
    ErrorKind, Guard, Invalidate, Invalidated, Limits, Select, Store as _, Sweep, Ticket, Wanted,
};
use cloakroom_sqlx::MySqlStore;
use servers::MariaDb;
use tokio::time::timeout;

use crate::support::*;

/// Each commit that is answered is told; the server is killed in the middle of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_server_has_lost_nothing_acknowledged_and_is_found_again() {
    let mut mariadb = start(MariaDb::options()).await;
    let store = MySqlStore::connect(&mariadb.url()).await.unwrap();
    let ticket = session(&store, "a", "0").await;
    let writing = {
        let (store, guard) = (store.clone(), ticket.guard());
        tokio::spawn(async move { write_until_it_fails(&store, guard).await })
    };
    while open(&store, &ticket, &[]).await.unwrap().unwrap().meta.version.0 < 50 {}
    mariadb.kill();
    let acknowledged = writing.await.unwrap();
    let error = open(&store, &ticket, &["a"]).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout), "{error:?}");

    let mariadb = tokio::task::spawn_blocking(move || {
        mariadb.restart().unwrap();
        mariadb
    });
    let _mariadb = mariadb.await.unwrap();
    let opened = open(&store, &ticket, &["a", "b"]).await.unwrap().unwrap();
    let values: Vec<_> = opened.attributes.iter().map(|attribute| attribute.value.clone()).collect();
    let whole = [acknowledged, acknowledged + 1].map(|number: u64| vec![number.to_string(); 2]);
    assert!(whole.iter().any(|whole| *whole == values), "{values:?} after {acknowledged}");
    commit(&store, &change(ticket.guard(), vec![set("a", "goes on")])).await;
}

/// Returns how many commits were acknowledged.
async fn write_until_it_fails(store: &MySqlStore, guard: Guard) -> u64 {
    let mut acknowledged = 0;
    loop {
        let next = (acknowledged + 1).to_string();
        let mut change = change(guard, vec![set("a", next.clone()), set("b", next)]);
        change.changes.clear = acknowledged % 2 == 0;
        if store.commit(&change).await.is_err() {
            return acknowledged;
        }
        acknowledged += 1;
    }
}

#[tokio::test]
async fn a_server_that_stands_still_is_found_again() {
    let mariadb = start(MariaDb::options()).await;
    let store = MySqlStore::connect(&mariadb.url()).await.unwrap();
    let ticket = session(&store, "a", "1").await;
    mariadb.pause();
    for _ in 0..20 {
        let change = change(ticket.guard(), vec![set("a", "2")]);
        let stuck = timeout(Duration::from_millis(20), store.commit(&change)).await;
        assert!(stuck.is_err() || stuck.unwrap().is_err(), "nothing answers");
    }
    mariadb.resume();
    commit(&store, &change(ticket.guard(), vec![set("a", "3")])).await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "3");
}

#[tokio::test]
async fn what_is_too_much_for_the_server_is_told() {
    let small = MariaDb::options().set("max_connections", "10").set("max_allowed_packet", "1M");
    let mariadb = start(small).await;
    let store = MySqlStore::connect(&mariadb.url()).await.unwrap();
    let ticket = session(&store, "a", "1").await;
    let mut large = change(ticket.guard(), vec![set("large", vec![7; 3 << 20])]);
    large.limits = Limits { attribute_bytes: 4 << 20, session_bytes: 4 << 20, ..Limits::default() };
    let error = store.commit(&large).await.unwrap_err();
    let is_told = matches!(error.kind(), ErrorKind::Refused | ErrorKind::Unavailable);
    assert!(is_told, "{error:?}");
    let several = (0..8).map(|number| set(&format!("a{number}"), vec![7; 250 << 10])).collect();
    let mut several = change(ticket.guard(), several);
    several.limits = large.limits;
    let _ = store.commit(&several).await.unwrap();
    assert_eq!(read(&store, &ticket, "a7").await.unwrap().len(), 250 << 10);

    let mut others = Vec::new();
    let error = loop {
        match MySqlStore::connect(&mariadb.url()).await {
            Ok(other) => others.push(other),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Full);
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
}

/// More than one message of a server's smallest usual size can name.
const MANY: usize = 12_000;

/// Starts a server that takes messages of 1 MiB, and a store on it.
async fn with_small_messages() -> (MariaDb, MySqlStore) {
    let mariadb = start(MariaDb::options().set("max_allowed_packet", "1M")).await;
    let store = MySqlStore::connect(&mariadb.url()).await.unwrap();
    (mariadb, store)
}

/// Makes [`MANY`] copies of a session.
fn copy(mariadb: &MariaDb, ticket: &Ticket) {
    let session: String = ticket.handle().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let sql = format!(
        "INSERT INTO cloakroom_sessions SELECT UNHEX(LPAD(HEX(seq), 32, '0')), epoch, due_at, principal \
         FROM cloakroom_sessions JOIN seq_1_to_{MANY} WHERE handle = x'{session}'; \
         INSERT INTO cloakroom_attributes \
         SELECT UNHEX(LPAD(HEX(seq), 32, '0')), name, revision, lapses_at, value \
         FROM cloakroom_attributes JOIN seq_1_to_{MANY} WHERE session = x'{session}'"
    );
    mariadb.sql(&sql).unwrap();
}

fn sessions(mariadb: &MariaDb) -> usize {
    mariadb.sql("SELECT count(*) FROM cloakroom_sessions").unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn very_many_sessions_of_a_principal_end_together() {
    let (mariadb, store) = with_small_messages().await;
    let (one, other) = (session_of(&store, "ada").await, session_of(&store, "bob").await);
    copy(&mariadb, &one);
    let others = Invalidate::Principal { principal: principal("ada"), except: Some(one.handle()) };
    let Invalidated::Done(ended) = store.invalidate(&others).await.unwrap() else { panic!("superseded") };
    assert_eq!(ended.iter().map(|ended| ended.handle).collect::<HashSet<_>>().len(), MANY);
    assert!(ended.len() == MANY && ended.iter().all(|ended| ended.names == [name("a")]));
    for ticket in [one, other] {
        assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
    }
    assert_eq!(sessions(&mariadb), 2);
}

#[tokio::test]
async fn very_many_sessions_are_swept_together() {
    let (mariadb, store) = with_small_messages().await;
    let kept = session(&store, "a", "1").await;
    copy(&mariadb, &expired(&store, "a").await);
    let select = Select { values: Wanted::Everything, names: true };
    let sweep = Sweep { limit: u32::MAX, lease: Some(INTERVAL), select };
    let ended = store.sweep(&sweep).await.unwrap();
    let handles: HashSet<_> = ended.iter().map(|ended| ended.handle).collect();
    assert_eq!((ended.len(), handles.len()), (MANY + 1, MANY + 1));
    assert!(ended.iter().all(|ended| ended.names == [name("a")] && ended.attributes[0].value == "1"));
    assert_eq!(store.sweep(&sweep).await.unwrap().len(), 0, "they are leased");
    store.acknowledge(&handles.into_iter().collect::<Vec<_>>()).await.unwrap();
    assert_eq!(sessions(&mariadb), 1);
    assert_eq!(read(&store, &kept, "a").await.unwrap(), "1");
}

/// These are all the rights that the store needs, once there are tables.
#[tokio::test]
async fn a_user_may_be_limited_to_four_rights() {
    let mariadb = start(MariaDb::options()).await;
    let owner = MySqlStore::connect(&mariadb.url()).await.unwrap();
    let store = MySqlStore::connect(&limited(&mariadb)).await.unwrap();
    let ticket = session_of(&store, "ada").await;
    let mut cleared = change(ticket.guard(), vec![set("b", "1")]);
    cleared.changes.clear = true;
    commit(&store, &cleared).await;
    let gone = expired(&store, "a").await;
    assert_eq!(sweep(&store).await, [gone.handle()]);
    assert_eq!(store.namespace("other").unwrap().migrate().await.unwrap_err().kind(), ErrorKind::Refused);
    owner.ping().await.unwrap();
}
