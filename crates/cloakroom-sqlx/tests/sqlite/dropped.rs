use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use cloakroom_core::Store as _;
use cloakroom_testkit::Harness as _;

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

/// Whichever poll a commit is dropped after: the one connection of its pool is good for the next commit, nobody else is
/// locked out, and what is stored is whole.
#[tokio::test]
async fn a_dropped_commit_leaves_no_transaction_behind() {
    let nodes = Nodes::new();
    let other = nodes.store().await;
    let store = nodes.store_with(1, nodes.options().busy_timeout(Duration::from_secs(30))).await;
    let ticket = session(&store, "a", "0").await;
    for polls in 1..=POLLS {
        let both = vec![set("a", polls.to_string()), set("b", polls.to_string())];
        let was_ready = drop_after(polls, store.commit(&change(ticket.guard(), both))).await;
        commit(&other, &change(ticket.guard(), vec![set("c", polls.to_string())])).await;
        commit(&store, &change(ticket.guard(), vec![set("d", polls.to_string())])).await;
        let opened = open(&other, &ticket, &["a", "b"]).await.unwrap().unwrap();
        let values: Vec<_> = opened.attributes.iter().map(|it| (&it.value, it.revision)).collect();
        assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "half of a commit is stored: {values:?}");
        if was_ready {
            return;
        }
    }
    panic!("the commit was not over after {POLLS} polls");
}
