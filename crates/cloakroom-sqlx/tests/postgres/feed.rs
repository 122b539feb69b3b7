//! The feed of changes.

use std::collections::HashSet;
use std::time::Instant;

use cloakroom_core::{Feed, Handle, Invalidate, Invalidated, Notice, Store as _};
use cloakroom_sqlx::PostgresStore;
use futures_util::StreamExt as _;
use sqlx::postgres::PgConnection;

use crate::support::*;

/// Returns what is told until all that was acknowledged before now has been.
async fn told(feed: &mut Feed) -> Vec<Notice> {
    let (now, mut told) = (Instant::now(), Vec::new());
    loop {
        match feed.next().await.unwrap().unwrap() {
            Notice::CaughtUp(moment) if moment > now => return told,
            Notice::CaughtUp(_) => {}
            notice => told.push(notice),
        }
    }
}

/// All tests share a channel: only what is told of this session counts.
async fn told_of(feed: &mut Feed, ticket: &cloakroom_core::Ticket) -> Vec<Notice> {
    let mut told = told(feed).await;
    told.retain(|notice| match notice {
        Notice::Committed { handle, .. } | Notice::Ended { handle: Some(handle) } => {
            *handle == ticket.handle()
        }
        Notice::Ended { handle: None } | Notice::CaughtUp(_) => false,
    });
    told
}

#[tokio::test]
async fn without_being_told_to_a_store_notifies_nobody_and_has_no_feed() {
    let database = Database::new();
    let store = database.store().await;
    assert!(store.feed().is_none());
    let mut feed = store.clone().tell_changes().feed().unwrap();
    told(&mut feed).await;
    let ticket = session(&store, "a", "1").await;
    store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap();
    assert_eq!(told_of(&mut feed, &ticket).await, []);
}

#[tokio::test]
async fn a_foreign_ticket_makes_no_noise() {
    let database = Database::new();
    let store = database.store().await.tell_changes();
    let mut feed = store.feed().unwrap();
    told(&mut feed).await;
    let ticket = session(&store, "a", "1").await;
    assert_eq!(told_of(&mut feed, &ticket).await.len(), 1);
    let forged = ticket.with_new_secret().unwrap();
    store.invalidate(&Invalidate::Ticket(forged.guard())).await.unwrap();
    let _ = store.commit(&change(forged.guard(), vec![set("a", "2")])).await.unwrap();
    assert_eq!(told_of(&mut feed, &ticket).await, []);
}

#[tokio::test]
async fn behind_a_pooler_changes_are_told_in_one_round_trip_and_heard_by_others() {
    let pooler = Pooler::start();
    let proxy = Proxy::to(pooler.port()).await;
    let database = Database::new();
    let direct = database.store().await.tell_changes();
    let mut feed = direct.feed().unwrap();
    told(&mut feed).await;
    let pooled = PostgresStore::connect_lazy(&proxy.url(&pooler.url())).unwrap();
    let pooled = database.at(pooled.behind_pooler(true).tell_changes());
    assert!(pooled.feed().is_none(), "a pooler would lose what is notified");
    let ticket = session(&pooled, "it's", "1").await;
    let change = change(ticket.guard(), vec![set("it's", "2")]);
    assert_eq!(proxy.of(commit(&pooled, &change)).await.round_trips, 1);
    pooled.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap();
    let told = told_of(&mut feed, &ticket).await;
    assert!(
        matches!(told[..], [Notice::Committed { .. }, Notice::Committed { .. }, Notice::Ended { .. }]),
        "{told:?}"
    );
}

/// A connection that sends a sign of life is given back before the feed tells that it has come: the next operation needs no
/// other one.
#[tokio::test]
async fn signs_of_life_cost_no_connection() {
    let database = Database::new();
    let url = format!("{}?application_name={}", database.url(), database.schema());
    let store = database.at(PostgresStore::connect_lazy(&url).unwrap().max_connections(1)).tell_changes();
    store.migrate().await.unwrap();
    let mut feed = store.feed().unwrap();
    told(&mut feed).await;
    let mut tables = database.tables().await;
    let connections = format!(
        "SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity WHERE application_name = '{}'",
        database.schema()
    );
    let before: String = scalar(&mut tables, &connections).await;
    for _ in 0..8 {
        told(&mut feed).await;
        store.ping().await.unwrap();
    }
    assert_eq!(scalar::<String>(&mut tables, &connections).await, before);
}

/// Adds so many copies of the one session that there is.
async fn multiply(tables: &mut PgConnection, count: u32) {
    let columns = "format, epoch, due_at, has_ended, version, proof, ticket_issued_at, created_at, accessed_at, \
                   max_inactive, principal, signed_in_at, attributes, bytes, recent";
    let sql = format!(
        "INSERT INTO many_sessions (handle, {columns})
             SELECT gen_random_uuid(), {columns} FROM many_sessions, generate_series(1, {count})"
    );
    run(tables, &sql).await;
}

/// The namespace is one of its own, so that nobody else hears it.
#[tokio::test]
async fn each_of_very_many_sessions_that_end_together_is_told() {
    const COPIES: u32 = 10_000;
    let database = Database::new();
    let store = PostgresStore::connect_lazy(database.url()).unwrap();
    let store = database.at(store).namespace("many").unwrap();
    let store = store.tell_changes();
    store.migrate().await.unwrap();
    let who = "a".repeat(256);
    session_of(&store, &who).await;
    multiply(&mut database.tables().await, COPIES).await;
    let mut feed = store.feed().unwrap();
    told(&mut feed).await;
    let all = Invalidate::Principal { principal: principal(&who), except: None };
    let ending = async { store.invalidate(&all).await.unwrap() };
    let (ended, told) = tokio::join!(ending, ends(&mut feed, COPIES as usize + 1));
    let Invalidated::Done(ended) = ended else { panic!("superseded") };
    assert_eq!(ended.iter().map(|it| it.handle).collect::<HashSet<_>>(), told);
}

/// Returns the first sessions of which the feed tells that they have ended.
async fn ends(feed: &mut Feed, count: usize) -> HashSet<Handle> {
    let mut handles = HashSet::new();
    while handles.len() < count {
        match feed.next().await.unwrap().unwrap() {
            Notice::Ended { handle } => assert!(handles.insert(handle.expect("one session")), "told twice"),
            Notice::CaughtUp(_) => {}
            other @ Notice::Committed { .. } => panic!("{other:?}"),
        }
    }
    handles
}
