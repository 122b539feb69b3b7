use std::time::Duration;

use cloakroom_core::{Invalidate, Select, Store as _, Sweep};
use cloakroom_sqlx::SqliteStore;
use cloakroom_testkit::Harness as _;
use sqlx::SqlitePool;

use crate::support::*;

async fn attributes(tables: &SqlitePool) -> i64 {
    count(tables, "cloakroom_attributes").await
}

async fn end(store: &SqliteStore, invalidate: Invalidate) {
    let _ = store.invalidate(&invalidate).await.unwrap();
}

#[tokio::test]
async fn attributes_end_with_their_session_however_it_ends() {
    let nodes = Nodes::new();
    let (store, tables) = (nodes.store().await, nodes.tables().await);

    let ticket = session(&store, "a", "1").await;
    assert_eq!(attributes(&tables).await, 1);
    end(&store, Invalidate::Ticket(ticket.guard())).await;
    assert_eq!(attributes(&tables).await, 0);

    session_of(&store, "ada").await;
    end(&store, Invalidate::Principal { principal: principal("ada"), except: None }).await;
    assert_eq!(attributes(&tables).await, 0);

    session(&store, "a", "1").await;
    nodes.clock.advance(INTERVAL);
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
    let nodes = Nodes::new();
    nodes.store().await;
    let orphan =
        "INSERT INTO cloakroom_attributes (session, name, revision, value) VALUES (x'00', 'a', 1, x'')";
    let error = sqlx::query(orphan).execute(&nodes.tables().await).await.unwrap_err();
    assert!(error.as_database_error().unwrap().is_foreign_key_violation());
}

#[tokio::test]
async fn everyones_end_leaves_new_sessions_alone() {
    let nodes = Nodes::new();
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

#[tokio::test]
async fn an_end_for_good_is_not_undone_by_a_commit_that_was_held_back() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let by_ticket = session(&store, "a", "1").await;
    let by_handle = session(&store, "a", "1").await;
    let by_principal = session_of(&store, "ada").await;
    nodes.clock.advance(INTERVAL);
    end(&store, Invalidate::Ticket(by_ticket.guard())).await;
    end(&store, Invalidate::Handle { handle: by_handle.handle(), owner: None }).await;
    end(&store, Invalidate::Principal { principal: principal("ada"), except: None }).await;
    let tickets = [by_ticket, by_handle, by_principal];
    for ticket in &tickets {
        let mut late = change(ticket.guard(), vec![set("a", "late")]);
        late.age = INTERVAL / 2;
        let _ = store.commit(&late).await.unwrap();
        assert!(open(&store, ticket, &["a"]).await.unwrap().is_none());
    }
    let mut expired = sweep(&store).await;
    expired.sort_unstable();
    let mut handles = tickets.map(|ticket| ticket.handle());
    handles.sort_unstable();
    assert_eq!(expired, handles, "they have expired before they were ended, and that is still told");
}

#[tokio::test]
async fn a_session_that_was_handed_out_stays_ended() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    let created_at = open(&store, &ticket, &[]).await.unwrap().unwrap().meta.created_at;
    nodes.clock.advance(INTERVAL);
    let leased = Sweep { limit: 10, lease: Some(Duration::from_secs(60)), select: Select::default() };
    assert_eq!(store.sweep(&leased).await.unwrap().len(), 1);
    let mut late = change(ticket.guard(), vec![set("a", "late")]);
    late.age = INTERVAL / 2;
    let _ = store.commit(&late).await.unwrap();
    assert!(open(&store, &ticket, &["a"]).await.unwrap().is_none());
    nodes.clock.set(created_at);
    assert!(open(&store, &ticket, &["a"]).await.unwrap().is_none(), "not even when the clock is set back");
}
