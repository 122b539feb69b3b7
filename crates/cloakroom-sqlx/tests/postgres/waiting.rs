//! Statements that wait for a session's row see all rows as they are when they get it.

use std::time::Duration;

use cloakroom_core::{Conflict, Expect, Loaded, Outcome, Store as _, Ticket, Version};
use cloakroom_sqlx::PostgresStore;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::support::*;

async fn lock(connection: &mut PgConnection) {
    run(connection, "BEGIN; SELECT FROM cloakroom_sessions FOR UPDATE").await;
}

/// Writes what a commit of another node would write, within the transaction.
async fn write_as_version(connection: &mut PgConnection, version: u64) {
    let sql = format!(
        "UPDATE cloakroom_sessions SET version = {version};
         UPDATE cloakroom_attributes SET revision = {version}, content = 'of {version}'"
    );
    run(connection, &sql).await;
}

fn expecting(ticket: &Ticket, version: u64, value: &'static str) -> cloakroom_core::Commit {
    let mut change = change(ticket.guard(), vec![set("a", value)]);
    change.changes.attributes[0].expect = Some(Expect::Revision(Version(version)));
    change
}

#[tokio::test]
async fn the_second_of_two_expectations_fails() {
    let database = Database::new();
    let store = database.store().await;
    let ticket = session(&store, "a", "1").await;
    let mut tables = database.tables().await;
    lock(&mut tables).await;
    let [one, two] = ["one", "two"].map(|value| {
        let (store, commit) = (store.clone(), expecting(&ticket, 1, value));
        tokio::spawn(async move { store.commit(&commit).await.unwrap() })
    });
    database.until_waiting(2).await;
    run(&mut tables, "COMMIT").await;
    let outcomes = [one.await.unwrap(), two.await.unwrap()];
    let committed = outcomes.iter().filter(|it| matches!(it, Outcome::Committed(_))).count();
    let conflicts = outcomes.iter().filter(|it| matches!(it, Outcome::Conflict(_))).count();
    assert_eq!((committed, conflicts), (1, 1), "{outcomes:?}");
}

#[tokio::test]
async fn a_waiting_commit_sees_the_new_attributes() {
    let database = Database::new();
    let store = database.store().await;
    for (expected, is_met) in [(1, false), (2, true)] {
        let ticket = session(&store, "a", "1").await;
        let mut tables = database.tables().await;
        lock(&mut tables).await;
        write_as_version(&mut tables, 2).await;
        let (waiting, commit) = (store.clone(), expecting(&ticket, expected, "3"));
        let waiting = tokio::spawn(async move { waiting.commit(&commit).await.unwrap() });
        database.until_waiting(1).await;
        run(&mut tables, "COMMIT").await;
        match waiting.await.unwrap() {
            Outcome::Committed(committed) => assert_eq!((committed.version, is_met), (Version(3), true)),
            Outcome::Conflict(Conflict::Attribute(_)) => assert!(!is_met),
            other => panic!("{other:?}"),
        }
        run(&mut tables, "DELETE FROM cloakroom_sessions").await;
        tables.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_waiting_load_shows_no_mixture() {
    let database = Database::new();
    let store = database.store().await;
    let ticket = session(&store, "a", "of 1").await;
    let mut tables = database.tables().await;
    lock(&mut tables).await;
    write_as_version(&mut tables, 2).await;
    let waiting = store.clone();
    let waiting = tokio::spawn(async move { waiting.load(&load(&ticket, &["a"], ALWAYS)).await.unwrap() });
    database.until_waiting(1).await;
    let Some(meanwhile) = open(&store, &ticket, &["a"]).await.unwrap() else { panic!("not open") };
    assert_eq!(meanwhile.meta.version, Version(1), "a load that records nothing waits for nobody");
    run(&mut tables, "COMMIT").await;
    let Loaded::Open(opened) = waiting.await.unwrap() else { panic!("not open") };
    assert_eq!(opened.meta.version, Version(2));
    assert_eq!(opened.attributes[0].revision, Version(2));
    assert_eq!(&opened.attributes[0].value[..], b"of 2");
}

#[tokio::test]
async fn what_has_ended_meanwhile_is_gone() {
    let database = Database::new();
    let store = database.store().await;
    let ticket = session(&store, "a", "1").await;
    let mut tables = database.tables().await;
    run(&mut tables, "BEGIN; DELETE FROM cloakroom_sessions").await;
    let waiting = store.clone();
    let loading = tokio::spawn(async move { waiting.load(&load(&ticket, &["a"], ALWAYS)).await.unwrap() });
    let (waiting, change) = (store.clone(), change(ticket.guard(), vec![set("a", "2")]));
    let committing = tokio::spawn(async move { waiting.commit(&change).await.unwrap() });
    database.until_waiting(2).await;
    run(&mut tables, "COMMIT").await;
    assert!(matches!(loading.await.unwrap(), Loaded::Absent));
    assert!(matches!(committing.await.unwrap(), Outcome::Gone(_)));
    assert_eq!(scalar::<i64>(&mut tables, "SELECT count(*) FROM cloakroom_attributes").await, 0);
}

/// Makes a load wait that records an access, for a transaction that holds the row by this statement, until the session has
/// expired meanwhile.
async fn load_across_the_end(database: &Database, store: &PostgresStore, hold: &str) -> Loaded {
    let ticket = session(store, "a", "1").await;
    let mut tables = database.tables().await;
    let mut loading = loop {
        let terms = "UPDATE cloakroom_sessions SET accessed_at = cloakroom_now_1() - 1, max_inactive = 500";
        run(&mut tables, terms).await;
        run(&mut tables, &format!("BEGIN; {hold}")).await;
        let (loading, load) = (store.clone(), load(&ticket, &["a"], ALWAYS));
        let mut loading = tokio::spawn(async move { loading.load(&load).await.unwrap() });
        tokio::select! {
            () = database.until_waiting(1) => break loading,
            _ = &mut loading => run(&mut tables, "ROLLBACK").await,
        };
    };
    while !scalar::<bool>(&mut tables, HAS_EXPIRED).await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    run(&mut tables, "COMMIT").await;
    (&mut loading).await.unwrap()
}

const HAS_EXPIRED: &str = "SELECT bool_and(cloakroom_now_1() >= expires_at) FROM cloakroom_sessions";

#[tokio::test]
async fn an_access_that_waited_until_the_session_expired_does_not_revive_it() {
    let holds =
        ["SELECT FROM cloakroom_sessions FOR UPDATE", "UPDATE cloakroom_sessions SET due_at = expires_at"];
    for hold in holds {
        let database = Database::new();
        let store = database.store().await;
        let loaded = load_across_the_end(&database, &store, hold).await;
        assert!(matches!(loaded, Loaded::Absent), "{hold}: {loaded:?}");
        assert!(scalar::<bool>(&mut database.tables().await, HAS_EXPIRED).await, "{hold}");
    }
}
