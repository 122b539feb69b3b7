use cloakroom_core::{ErrorKind, Invalidate, Invalidated, Select, Store as _, Sweep, Wanted};
use cloakroom_testkit::Harness as _;

use crate::support::*;

const UNKNOWN_FORMAT: &str =
    "UPDATE cloakroom_sessions SET record = CAST(x'02' || substr(record, 2) AS BLOB) WHERE handle = ?";

/// Ways in which a session cannot be read.
const DAMAGES: [&str; 4] = [
    UNKNOWN_FORMAT,
    "UPDATE cloakroom_sessions SET record = substr(record, 1, 40) WHERE handle = ?",
    "UPDATE cloakroom_sessions SET record = x'' WHERE handle = ?",
    "UPDATE cloakroom_sessions SET record = CAST(record || x'00' AS BLOB) WHERE handle = ?",
];

#[tokio::test]
async fn a_damaged_session_is_an_error_of_its_own_alone() {
    for damage in DAMAGES {
        let nodes = Nodes::new();
        let store = nodes.store().await;
        let (damaged, sound) = (session(&store, "a", "1").await, session(&store, "a", "2").await);
        tamper(&nodes.tables().await, damage, &damaged).await;
        let error = store.commit(&change(damaged.guard(), vec![set("a", "3")])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
        assert_eq!(read(&store, &sound, "a").await.unwrap(), "2");
        commit(&store, &change(sound.guard(), vec![set("a", "4")])).await;
    }
}

#[tokio::test]
async fn what_a_load_needs_must_be_sound() {
    for damage in &DAMAGES[..3] {
        let nodes = Nodes::new();
        let store = nodes.store().await;
        let ticket = session(&store, "a", "1").await;
        tamper(&nodes.tables().await, damage, &ticket).await;
        let error = open(&store, &ticket, &["a"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
    }
}

#[tokio::test]
async fn a_damaged_attribute_is_corrupt() {
    let damages = [
        "UPDATE cloakroom_attributes SET name = 'a' || char(10) WHERE session = ?",
        "UPDATE cloakroom_attributes SET revision = -1 WHERE session = ?",
        "UPDATE cloakroom_attributes SET lapses_at = -1 WHERE session = ?",
    ];
    for damage in damages {
        let nodes = Nodes::new();
        let store = nodes.store().await;
        let ticket = session(&store, "a", "1").await;
        tamper(&nodes.tables().await, damage, &ticket).await;
        let error = store.load(&everything(&ticket)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
    }
}

#[tokio::test]
async fn a_list_leaves_out_what_cannot_be_read() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let (damaged, sound) = (session_of(&store, "ada").await, session_of(&store, "ada").await);
    tamper(&nodes.tables().await, UNKNOWN_FORMAT, &damaged).await;
    let listed = store.sessions_of(&principal("ada")).await.unwrap();
    assert_eq!(listed.iter().map(|info| info.handle).collect::<Vec<_>>(), [sound.handle()]);
}

#[tokio::test]
async fn all_of_a_principals_sessions_end_also_those_that_cannot_be_read() {
    let nodes = Nodes::new();
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
    let nodes = Nodes::new();
    let (store, tables) = (nodes.store().await, nodes.tables().await);
    let (cut, sound) = (session(&store, "a", "1").await, session(&store, "a", "1").await);
    tamper(&tables, DAMAGES[1], &cut).await;
    nodes.clock.advance(INTERVAL);
    assert_eq!(sweep(&store).await, [sound.handle()]);
    assert_eq!(count(&tables, "cloakroom_sessions").await, 0);
}

/// Whichever attribute cannot be read, and whoever wants its value: the next sweep has nothing to do with it any more.
#[tokio::test]
async fn a_sweep_removes_a_session_one_of_whose_attributes_cannot_be_read() {
    let select = Select { values: Wanted::Everything, names: false };
    for damage in ["name = 'a' || char(10)", "revision = -1", "lapses_at = -1"] {
        for lease in [None, Some(INTERVAL)] {
            let nodes = Nodes::new();
            let (store, tables) = (nodes.store().await, nodes.tables().await);
            let (damaged, sound) = (session(&store, "a", "1").await, session(&store, "a", "1").await);
            let sql = format!("UPDATE cloakroom_attributes SET {damage} WHERE session = ?");
            tamper(&tables, &sql, &damaged).await;
            nodes.clock.advance(INTERVAL);
            let swept = store.sweep(&Sweep { limit: 1000, lease, select: select.clone() }).await.unwrap();
            let told: Vec<_> = swept.iter().map(|ended| (ended.handle, ended.attributes.len())).collect();
            assert_eq!(told, [(sound.handle(), 1)], "{damage}");
            store.acknowledge(&[sound.handle()]).await.unwrap();
            assert_eq!(count(&tables, "cloakroom_sessions").await, 0, "{damage}");
        }
    }
}

#[tokio::test]
async fn a_sweep_leaves_a_newer_format_to_newer_servers() {
    let nodes = Nodes::new();
    let (store, tables) = (nodes.store().await, nodes.tables().await);
    let (newer, sound) = (session(&store, "a", "1").await, session(&store, "a", "1").await);
    tamper(&tables, UNKNOWN_FORMAT, &newer).await;
    nodes.clock.advance(INTERVAL);
    assert_eq!(sweep(&store).await, [sound.handle()]);
    assert_eq!(sweep(&store).await, []);
    assert_eq!(count(&tables, "cloakroom_sessions").await, 1);
}

#[tokio::test]
async fn a_session_that_is_no_longer_bound_ends_its_row_with_its_index_entry() {
    let nodes = Nodes::new();
    let (store, tables) = (nodes.store().await, nodes.tables().await);
    let ticket = session_of(&store, "ada").await;
    let (_, rebinding) = sign_in(&ticket, "bob");
    commit(&store, &rebinding).await;
    assert_eq!(count(&tables, "cloakroom_sessions WHERE principal = 'ada'").await, 0);
    assert_eq!(count(&tables, "cloakroom_sessions WHERE principal = 'bob'").await, 1);
}
