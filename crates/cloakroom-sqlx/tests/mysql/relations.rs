use std::time::Duration;

use cloakroom_core::{Invalidate, Select, Store as _, Sweep, Touch};
use cloakroom_sqlx::MySqlStore;
use cloakroom_testkit::Harness as _;
use sqlx::MySqlPool;

use crate::support::*;

async fn attributes(tables: &MySqlPool) -> i64 {
    count(tables, "cloakroom_attributes").await
}

async fn end(store: &MySqlStore, invalidate: Invalidate) {
    let _ = store.invalidate(&invalidate).await.unwrap();
}

#[tokio::test]
async fn attributes_end_with_their_session_however_it_ends() {
    let nodes = Nodes::new().await;
    let (store, tables) = (nodes.store().await, nodes.tables().await);

    let ticket = session(&store, "a", "1").await;
    assert_eq!(attributes(&tables).await, 2, "the record is one of them");
    end(&store, Invalidate::Ticket(ticket.guard())).await;
    assert_eq!(attributes(&tables).await, 0);

    session_of(&store, "ada").await;
    end(&store, Invalidate::Principal { principal: principal("ada"), except: None }).await;
    assert_eq!(attributes(&tables).await, 0);

    expired(&store, "a").await;
    assert_eq!(sweep(&store).await.len(), 1);
    assert_eq!(attributes(&tables).await, 0);

    session(&store, "a", "1").await;
    end(&store, Invalidate::Everyone).await;
    assert_eq!(sweep(&store).await.len(), 0, "what ended with everybody's is handed out to nobody");
    assert_eq!(attributes(&tables).await, 0);
    assert_eq!(count(&tables, "cloakroom_sessions").await, 0);
}

#[tokio::test]
async fn an_attribute_without_a_session_cannot_be_stored() {
    let nodes = Nodes::new().await;
    nodes.store().await;
    let orphan =
        "INSERT INTO cloakroom_attributes (session, name, revision, value) VALUES (x'00', 'a', 1, x'')";
    let error = sqlx::query(orphan).execute(&nodes.tables().await).await.unwrap_err();
    assert!(error.as_database_error().unwrap().is_foreign_key_violation());
}

#[tokio::test]
async fn everyones_end_leaves_new_sessions_alone() {
    let nodes = Nodes::new().await;
    let (store, other) = (nodes.store().await, nodes.store().await);
    let before = session_of(&store, "ada").await;
    end(&store, Invalidate::Everyone).await;
    assert!(open(&other, &before, &["a"]).await.unwrap().is_none());
    assert_eq!(other.sessions_of(&principal("ada")).await.unwrap(), []);
    let after = session_of(&other, "ada").await;
    assert_eq!(sweep(&store).await, []);
    assert!(open(&store, &after, &["a"]).await.unwrap().is_some());
    assert_eq!(count(&nodes.tables().await, "cloakroom_sessions").await, 1);
}

/// A commit of a moment ago that was held back until now.
fn late(ticket: &cloakroom_core::Ticket) -> cloakroom_core::Commit {
    let mut late = change(ticket.guard(), vec![set("a", "late")]);
    late.age = Duration::from_secs(60);
    late
}

/// The session has expired so short a time ago that what was held back would still reach it.
async fn assert_stays_ended(store: &MySqlStore, ticket: &cloakroom_core::Ticket) {
    let _ = store.commit(&late(ticket)).await.unwrap();
    let mut cleared = late(ticket);
    cleared.changes.clear = true;
    let _ = store.commit(&cleared).await.unwrap();
    assert!(open(store, ticket, &["a"]).await.unwrap().is_none());
}

#[tokio::test]
async fn a_commit_that_was_held_back_reaches_what_has_expired_since() {
    let nodes = Nodes::new().await;
    let store = nodes.store().await;
    commit(&store, &late(&expired(&store, "a").await)).await;
}

#[tokio::test]
async fn an_end_for_good_is_not_undone_by_a_commit_that_was_held_back() {
    let nodes = Nodes::new().await;
    let store = nodes.store().await;
    let by_ticket = expired(&store, "a").await;
    end(&store, Invalidate::Ticket(by_ticket.guard())).await;
    assert_stays_ended(&store, &by_ticket).await;
    let by_handle = expired(&store, "a").await;
    end(&store, Invalidate::Handle { handle: by_handle.handle(), owner: None }).await;
    assert_stays_ended(&store, &by_handle).await;
    let mut swept = sweep(&store).await;
    swept.sort_unstable();
    let mut handles = [by_ticket, by_handle].map(|ticket| ticket.handle());
    handles.sort_unstable();
    assert_eq!(swept, handles, "they have expired before they were ended, and that is still told");
}

#[tokio::test]
async fn a_session_that_was_handed_out_stays_ended() {
    let nodes = Nodes::new().await;
    let store = nodes.store().await;
    let ticket = expired(&store, "a").await;
    let leased = Sweep { limit: 10, lease: Some(INTERVAL), select: Select::default() };
    assert_eq!(store.sweep(&leased).await.unwrap().len(), 1);
    assert_stays_ended(&store, &ticket).await;
    assert_eq!(store.sweep(&leased).await.unwrap(), []);
    store.acknowledge(&[ticket.handle()]).await.unwrap();
    assert_eq!(count(&nodes.tables().await, "cloakroom_sessions").await, 0);
}

/// A touch leaves alone by when a session is found; the sweep that looks too early puts it right, and looks at the next.
#[tokio::test]
async fn a_sweep_goes_past_sessions_that_have_been_accessed() {
    let nodes = Nodes::new().await;
    let (store, tables) = (nodes.store().await, nodes.tables().await);
    let mut live = Vec::new();
    for _ in 0..5 {
        let ticket = session(&store, "a", "1").await;
        tamper(&tables, "UPDATE cloakroom_sessions SET due_at = 0 WHERE handle = ?", &ticket).await;
        live.push(ticket);
    }
    let ended = expired(&store, "a").await;
    let few = Sweep { limit: 2, lease: None, select: Select::default() };
    let swept = store.sweep(&few).await.unwrap();
    assert_eq!(swept.iter().map(|ended| ended.handle).collect::<Vec<_>>(), [ended.handle()]);
    for ticket in &live {
        let _ = store.load(&load(ticket, &[], Touch::Never)).await.unwrap();
        assert!(open(&store, ticket, &["a"]).await.unwrap().is_some());
    }
    let due = "cloakroom_sessions WHERE due_at = 0";
    assert_eq!(count(&tables, due).await, 0, "they are not looked at again until they will have expired");
}
