use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use cloakroom_core::{Store as _, Ticket};
use cloakroom_sqlx::PostgresStore;
use sqlx::postgres::PgPoolOptions;

use crate::support::*;

/// More than any operation here needs.
const POLLS: usize = 100;

/// Polls a future at most so often, and drops it. Returns whether it was ready.
async fn drop_after(polls: usize, future: impl Future) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Whichever poll a commit is dropped after: the next one is served, nobody else is locked out, and what is stored is whole.
#[tokio::test]
async fn a_dropped_commit_leaves_nothing_behind() {
    let database = Database::new();
    let other = database.store().await;
    let pool = PgPoolOptions::new().max_connections(1).connect(database.url()).await.unwrap();
    let own = PostgresStore::connect_lazy(database.url()).unwrap().max_connections(1);
    for store in [own, PostgresStore::new(pool)].map(|store| database.at(store)) {
        let ticket = Ticket::generate().unwrap();
        commit(&other, &create(ticket.guard(), vec![set("a", "0"), set("b", "0")])).await;
        for polls in 1..=POLLS {
            let both = vec![set("a", polls.to_string()), set("b", polls.to_string())];
            let was_ready = drop_after(polls, store.commit(&change(ticket.guard(), both))).await;
            commit(&other, &change(ticket.guard(), vec![set("c", polls.to_string())])).await;
            commit(&store, &change(ticket.guard(), vec![set("d", polls.to_string())])).await;
            let opened = open(&other, &ticket, &["a", "b"]).await.unwrap().unwrap();
            let values: Vec<_> = opened.attributes.iter().map(|it| (&it.value, it.revision)).collect();
            assert!(values[0] == values[1], "half of a commit is stored: {values:?}");
            if was_ready {
                break;
            }
            assert!(polls < POLLS, "the commit was not over");
        }
    }
}

/// A future that is dropped while it waits for a lock in the server is no reason to close all connections, and what it asked
/// for is done whole, later.
#[tokio::test]
async fn a_commit_that_is_dropped_while_it_waits_is_done_or_not() {
    let database = Database::new();
    let store = database.store().await;
    let ticket = session(&store, "a", "1").await;
    let mut tables = database.tables().await;
    run(&mut tables, "BEGIN; SELECT FROM cloakroom_sessions FOR UPDATE").await;
    let (waiting, change) = (store.clone(), change(ticket.guard(), vec![set("a", "2"), set("b", "2")]));
    let retry = change.clone();
    let task = tokio::spawn(async move { waiting.commit(&change).await });
    database.until_waiting(1).await;
    task.abort();
    assert!(task.await.is_err());
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
    run(&mut tables, "COMMIT").await;
    commit(&store, &retry).await;
    let opened = open(&store, &ticket, &["a", "b"]).await.unwrap().unwrap();
    assert_eq!((opened.meta.version.0, opened.attributes.len()), (2, 2), "it is applied once");
}
