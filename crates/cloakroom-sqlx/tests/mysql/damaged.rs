use cloakroom_core::{ErrorKind, Invalidate, Invalidated, Select, Store as _, Sweep, Wanted};
use cloakroom_testkit::Harness as _;

use crate::support::*;

const UNKNOWN_FORMAT: &str = "UPDATE cloakroom_attributes SET value = CONCAT(x'02', SUBSTRING(value, 2)) \
                              WHERE session = ? AND name = x''";

/// Ways in which a session cannot be read.
const DAMAGES: [&str; 5] = [
    UNKNOWN_FORMAT,
    "UPDATE cloakroom_attributes SET value = SUBSTRING(value, 1, 40) WHERE session = ? AND name = x''",
    "UPDATE cloakroom_attributes SET value = x'' WHERE session = ? AND name = x''",
    "UPDATE cloakroom_attributes SET lapses_at = -1 WHERE session = ? AND name = x''",
    "UPDATE cloakroom_attributes SET value = CONCAT(value, x'00') WHERE session = ? AND name = x''",
];

#[tokio::test]
async fn a_damaged_session_is_an_error_of_its_own_alone() {
    let nodes = Nodes::new().await;
    let (store, tables) = (nodes.store().await, nodes.tables().await);
    for damage in DAMAGES {
        let (damaged, sound) = (session(&store, "a", "1").await, session(&store, "a", "2").await);
        tamper(&tables, damage, &damaged).await;
        for clear in [false, true] {
            let mut change = change(damaged.guard(), vec![set("a", "3")]);
            change.changes.clear = clear;
            let error = store.commit(&change).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
        }
        assert_eq!(read(&store, &sound, "a").await.unwrap(), "2");
        commit(&store, &change(sound.guard(), vec![set("a", "4")])).await;
    }
}

#[tokio::test]
async fn what_a_load_needs_must_be_sound() {
    let nodes = Nodes::new().await;
    let (store, tables) = (nodes.store().await, nodes.tables().await);
    let no_record = "UPDATE cloakroom_attributes SET name = 'b' WHERE session = ? AND name = x''";
    for damage in DAMAGES[..4].iter().chain(&[no_record]) {
        let ticket = session(&store, "a", "1").await;
        tamper(&tables, damage, &ticket).await;
        let error = open(&store, &ticket, &["a"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
    }
}

#[tokio::test]
async fn a_damaged_attribute_is_corrupt() {
    let nodes = Nodes::new().await;
    let (store, tables) = (nodes.store().await, nodes.tables().await);
    for damage in ["name = x'610a'", "name = x'ff'", "revision = -1", "lapses_at = -1"] {
        let ticket = session(&store, "a", "1").await;
        let sql = format!("UPDATE cloakroom_attributes SET {damage} WHERE session = ? AND name > x''");
        tamper(&tables, &sql, &ticket).await;
        let error = store.load(&everything(&ticket)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
    }
}

#[tokio::test]
async fn a_list_leaves_out_what_cannot_be_read() {
    let nodes = Nodes::new().await;
    let store = nodes.store().await;
    let (damaged, sound) = (session_of(&store, "ada").await, session_of(&store, "ada").await);
    tamper(&nodes.tables().await, UNKNOWN_FORMAT, &damaged).await;
    let listed = store.sessions_of(&principal("ada")).await.unwrap();
    assert_eq!(listed.iter().map(|info| info.handle).collect::<Vec<_>>(), [sound.handle()]);
}

#[tokio::test]
async fn all_of_a_principals_sessions_end_also_those_that_cannot_be_read() {
    let nodes = Nodes::new().await;
    let (store, tables) = (nodes.store().await, nodes.tables().await);
    let (newer, cut, sound) =
        (session_of(&store, "ada").await, session_of(&store, "ada").await, session_of(&store, "ada").await);
    tamper(&tables, UNKNOWN_FORMAT, &newer).await;
    tamper(&tables, DAMAGES[1], &cut).await;
    let all = Invalidate::Principal { principal: principal("ada"), except: None };
    let Invalidated::Done(ended) = store.invalidate(&all).await.unwrap() else { panic!("superseded") };
    assert_eq!(ended.iter().map(|ended| ended.handle).collect::<Vec<_>>(), [sound.handle()]);
    assert_eq!(count(&tables, "cloakroom_sessions").await, 0);
}

#[tokio::test]
async fn a_sweep_removes_what_cannot_be_read_and_hands_out_the_rest() {
    let nodes = Nodes::new().await;
    let (store, tables) = (nodes.store().await, nodes.tables().await);
    let (cut, sound) = (expired(&store, "a").await, expired(&store, "a").await);
    tamper(&tables, DAMAGES[1], &cut).await;
    assert_eq!(sweep(&store).await, [sound.handle()]);
    assert_eq!(count(&tables, "cloakroom_sessions").await, 0);
}

/// Whichever attribute cannot be read, and whoever wants its value: the next sweep has nothing to do with it any more.
#[tokio::test]
async fn a_sweep_removes_a_session_one_of_whose_attributes_cannot_be_read() {
    let nodes = Nodes::new().await;
    let (store, tables) = (nodes.store().await, nodes.tables().await);
    let select = Select { values: Wanted::Everything, names: false };
    for damage in ["name = x'610a'", "name = x'ff'", "revision = -1", "lapses_at = -1"] {
        for lease in [None, Some(INTERVAL)] {
            let (damaged, sound) = (expired(&store, "a").await, expired(&store, "a").await);
            let sql = format!("UPDATE cloakroom_attributes SET {damage} WHERE session = ? AND name > x''");
            tamper(&tables, &sql, &damaged).await;
            let swept = store.sweep(&Sweep { limit: 1000, lease, select: select.clone() }).await.unwrap();
            let told: Vec<_> = swept.iter().map(|ended| (ended.handle, ended.attributes.len())).collect();
            assert_eq!(told, [(sound.handle(), 1)], "{damage}");
            store.acknowledge(&[sound.handle()]).await.unwrap();
            assert_eq!(count(&tables, "cloakroom_sessions").await, 0, "{damage}");
        }
    }
}

/// A sweep looks at sessions that have been accessed since it was to look at them.
#[tokio::test]
async fn a_sweep_leaves_a_live_session_one_of_whose_attributes_cannot_be_read() {
    let nodes = Nodes::new().await;
    let (store, tables) = (nodes.store().await, nodes.tables().await);
    let damaged = session(&store, "a", "1").await;
    tamper(
        &tables,
        "UPDATE cloakroom_attributes SET lapses_at = -1 WHERE session = ? AND name > x''",
        &damaged,
    )
    .await;
    tamper(&tables, "UPDATE cloakroom_sessions SET due_at = 0 WHERE handle = ?", &damaged).await;
    assert_eq!(sweep(&store).await, []);
    assert_eq!(count(&tables, "cloakroom_sessions WHERE due_at > 0").await, 1);
}

#[tokio::test]
async fn a_sweep_leaves_a_newer_format_to_newer_servers() {
    let nodes = Nodes::new().await;
    let (store, tables) = (nodes.store().await, nodes.tables().await);
    let (newer, sound) = (expired(&store, "a").await, expired(&store, "a").await);
    tamper(&tables, UNKNOWN_FORMAT, &newer).await;
    assert_eq!(sweep(&store).await, [sound.handle()]);
    assert_eq!(sweep(&store).await, []);
    assert_eq!(count(&tables, "cloakroom_sessions").await, 1);
}

#[tokio::test]
async fn a_session_that_is_bound_anew_is_found_by_the_new_principal_alone() {
    let nodes = Nodes::new().await;
    let (store, tables) = (nodes.store().await, nodes.tables().await);
    let ticket = session_of(&store, "ada").await;
    let (_, rebinding) = sign_in(&ticket, "bob");
    commit(&store, &rebinding).await;
    assert_eq!(count(&tables, "cloakroom_sessions WHERE principal = 'ada'").await, 0);
    assert_eq!(count(&tables, "cloakroom_sessions WHERE principal = 'bob'").await, 1);
}
