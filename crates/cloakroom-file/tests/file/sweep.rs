use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use cloakroom_core::{Invalidate, Select, Store as _, Sweep, Timestamp};
use cloakroom_testkit::Harness as _;

use crate::support::*;

fn deadline(nodes: &Nodes, ticket: &cloakroom_core::Ticket) -> Timestamp {
    fs::metadata(nodes.file(ticket)).unwrap().modified().unwrap().into()
}

#[tokio::test]
async fn the_deadline_is_noted_on_the_file() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    let now = open(&store, &ticket, &[]).await.unwrap().unwrap().now;
    assert_eq!(deadline(&nodes, &ticket), now.plus(INTERVAL));
    nodes.clock.advance(INTERVAL / 2);
    store.load(&load(&ticket, &[], cloakroom_core::Touch::AtMostEvery(Duration::ZERO))).await.unwrap();
    assert_eq!(deadline(&nodes, &ticket), now.plus(INTERVAL / 2).plus(INTERVAL));
    let mut shorter = change(ticket.guard(), Vec::new());
    shorter.changes.max_inactive_interval = Some(INTERVAL / 10);
    commit(&store, &shorter).await;
    assert_eq!(deadline(&nodes, &ticket), now.plus(INTERVAL / 2).plus(INTERVAL / 10));
}

/// Whatever is noted, the session itself is asked; and what was noted wrongly is put right.
#[tokio::test]
async fn a_live_session_whose_deadline_is_noted_too_early_lives_on() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    let noted = deadline(&nodes, &ticket);
    let file = File::options().write(true).open(nodes.file(&ticket)).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(sweep(&store).await, []);
    assert_eq!(deadline(&nodes, &ticket), noted);
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
}

/// A live session is not opened by a sweep: one that is unreadable for now is not even noticed.
#[tokio::test]
async fn what_is_not_due_is_not_opened() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    let noted = fs::metadata(nodes.file(&ticket)).unwrap().modified().unwrap();
    nodes.tamper(&ticket, |file| file.truncate(100));
    File::options().write(true).open(nodes.file(&ticket)).unwrap().set_modified(noted).unwrap();
    assert_eq!(sweep(&store).await, []);
    assert!(nodes.file(&ticket).exists());
}

#[tokio::test]
async fn what_ended_with_everybodys_is_removed_by_sweeps() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let mut tickets = Vec::new();
    for _ in 0..20 {
        tickets.push(session_of(&store, "ada").await);
    }
    assert_eq!(sweep(&store).await, []);
    store.invalidate(&Invalidate::Everyone).await.unwrap();
    let new = session(&store, "a", "1").await;
    assert_eq!(sweep(&store).await, []);
    for ticket in &tickets {
        assert!(!nodes.file(ticket).exists());
    }
    assert_eq!(read(&store, &new, "a").await.unwrap(), "1");
}

/// Whoever ended them has not swept since, and this process has not seen it.
#[tokio::test]
async fn what_ended_with_everybodys_is_removed_also_by_a_store_that_was_opened_later() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    store.invalidate(&Invalidate::Everyone).await.unwrap();
    drop(store);
    assert_eq!(sweep(&nodes.store().await).await, []);
    assert!(!nodes.file(&ticket).exists());
}

#[tokio::test]
async fn a_handle_that_ended_with_everybodys_can_be_created_anew() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    store.invalidate(&Invalidate::Everyone).await.unwrap();
    commit(&store, &create(ticket.guard(), vec![set("b", "2")])).await;
    assert_eq!(read(&store, &ticket, "a").await, None);
    assert_eq!(read(&store, &ticket, "b").await.unwrap(), "2");
}

#[tokio::test]
async fn sweeps_go_on_where_the_last_one_stopped() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    for _ in 0..50 {
        session(&store, "a", "1").await;
    }
    nodes.clock.advance(INTERVAL);
    let lease = Sweep { limit: 7, lease: Some(INTERVAL), select: Select::default() };
    let mut found = Vec::new();
    for _ in 0..8 {
        found.extend(store.sweep(&lease).await.unwrap().into_iter().map(|ended| ended.handle));
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), 50);
}
