use std::pin::pin;
use std::time::Duration;

use cloakroom_core::{ErrorKind, Invalidate, Store as _, Ticket, Version};
use cloakroom_testkit::Harness as _;

use crate::support::*;

/// Polls a future for long enough that it waits for the lock, and drops it.
async fn give_up<T>(future: impl Future<Output = T>) {
    let mut future = pin!(future);
    let waited = tokio::time::timeout(Duration::from_millis(50), &mut future).await;
    assert!(waited.is_err(), "it cannot be ready while the lock is held");
}

#[tokio::test]
async fn what_was_called_off_while_it_waited_does_not_come_through_late() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    let lock = nodes.lock(&ticket);
    give_up(store.commit(&change(ticket.guard(), vec![set("a", "2")]))).await;
    give_up(store.invalidate(&Invalidate::Ticket(ticket.guard()))).await;
    drop(lock);
    // Time enough for them to come through, if they could.
    for version in 2..30 {
        commit(&store, &change(ticket.guard(), vec![set("b", "1")])).await;
        let opened = open(&store, &ticket, &["a"]).await.unwrap().unwrap();
        assert_eq!((opened.meta.version, &opened.attributes[0].value[..]), (Version(version), &b"1"[..]));
    }
}

#[tokio::test]
async fn a_lock_that_is_not_given_back_is_a_timeout() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    let lock = nodes.lock(&ticket);
    let error = store.commit(&change(ticket.guard(), vec![set("a", "2")])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1", "reading needs no lock");
    drop(lock);
    commit(&store, &change(ticket.guard(), vec![set("a", "3")])).await;
}

#[tokio::test]
async fn sessions_of_other_folders_do_not_wait() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    let _lock = nodes.lock(&ticket);
    let folder = |ticket: &Ticket| ticket.handle().as_bytes()[15];
    let other =
        std::iter::repeat_with(|| Ticket::generate().unwrap()).find(|it| folder(it) != folder(&ticket));
    commit(&store, &create(other.unwrap().guard(), vec![set("a", "1")])).await;
}
