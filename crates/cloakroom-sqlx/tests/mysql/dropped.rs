use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use cloakroom_core::{Invalidate, Loaded, Store as _, Ticket, Touch};
use cloakroom_sqlx::MySqlStore;
use cloakroom_testkit::Harness as _;

use crate::support::*;

/// More than any operation here needs.
const POLLS: usize = 200;

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

/// A node that is dropped at, whose pool has one connection, and another one.
struct Pair {
    _nodes: Nodes,
    dropped: MySqlStore,
    other: MySqlStore,
}

impl Pair {
    async fn new() -> Self {
        let nodes = Nodes::new().await;
        let other = nodes.store().await;
        let dropped = nodes.node(1).await;
        dropped.ping().await.unwrap();
        Self { _nodes: nodes, dropped, other }
    }

    /// Asserts that the one connection is good for a commit, nobody else is locked out, and what is stored is whole.
    async fn assert_whole(&self, ticket: &Ticket) {
        commit(&self.other, &change(ticket.guard(), vec![set("c", "1")])).await;
        commit(&self.dropped, &change(ticket.guard(), vec![set("d", "1")])).await;
        let opened = open(&self.other, ticket, &["a", "b"]).await.unwrap().unwrap();
        let values: Vec<_> = opened.attributes.iter().map(|it| (&it.value, it.revision)).collect();
        assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "half of a commit is stored: {values:?}");
    }
}

/// Whichever poll a commit is dropped after.
#[tokio::test]
async fn a_dropped_commit_leaves_no_transaction_behind() {
    for is_simple in [true, false] {
        let pair = Pair::new().await;
        let ticket = session(&pair.other, "a", "0").await;
        for polls in 1.. {
            assert!(polls < POLLS, "the commit was not over");
            let mut both =
                change(ticket.guard(), vec![set("a", polls.to_string()), set("b", polls.to_string())]);
            both.changes.clear = !is_simple;
            let was_ready = drop_after(polls, pair.dropped.commit(&both)).await;
            pair.assert_whole(&ticket).await;
            if was_ready {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_dropped_load_leaves_the_next_one_its_own_answer() {
    let pair = Pair::new().await;
    let tickets = [session(&pair.other, "a", "x").await, session(&pair.other, "a", "y").await];
    for polls in 1.. {
        assert!(polls < POLLS, "the load was not over");
        tokio::time::sleep(Duration::from_millis(2)).await;
        let touching = load(&tickets[0], &["a"], Touch::AtMostEvery(Duration::ZERO));
        let was_ready = drop_after(polls, pair.dropped.load(&touching)).await;
        assert_eq!(read(&pair.dropped, &tickets[1], "a").await.unwrap(), "y");
        pair.assert_whole(&tickets[0]).await;
        if was_ready {
            break;
        }
    }
}

#[tokio::test]
async fn a_dropped_end_is_whole_or_nothing() {
    let pair = Pair::new().await;
    for polls in 1.. {
        assert!(polls < POLLS, "the end was not over");
        let ticket = session_of(&pair.other, "ada").await;
        let all = Invalidate::Principal { principal: principal("ada"), except: None };
        let was_ready = drop_after(polls, pair.dropped.invalidate(&all)).await;
        let _ = pair.dropped.invalidate(&all).await.unwrap();
        let loaded = pair.other.load(&load(&ticket, &[], Touch::Never)).await.unwrap();
        assert!(matches!(loaded, Loaded::Absent));
        if was_ready {
            break;
        }
    }
}

/// Also while a connection is asked for a sign of life.
#[tokio::test]
async fn a_store_that_is_dropped_at_again_and_again_goes_on() {
    let pair = Pair::new().await;
    let tickets = [session(&pair.other, "a", "x").await, session(&pair.other, "a", "y").await];
    for polls in 1..40 {
        drop_after(3, pair.dropped.load(&load(&tickets[0], &["a"], Touch::Never))).await;
        drop_after(polls, pair.dropped.load(&load(&tickets[0], &["a"], Touch::Never))).await;
        assert_eq!(read(&pair.dropped, &tickets[1], "a").await.unwrap(), "y");
    }
}
