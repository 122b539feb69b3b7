use cloakroom_core::{ErrorKind, Invalidate, Invalidated, Store as _};

use crate::support::*;

const NEWER_FORMAT: &str = "UPDATE cloakroom_sessions SET format = 2";

/// Ways in which a session cannot be loaded.
const DAMAGES: [&str; 7] = [
    NEWER_FORMAT,
    "UPDATE cloakroom_sessions SET proof = ''",
    "UPDATE cloakroom_sessions SET version = -1",
    "UPDATE cloakroom_sessions SET bytes = -1",
    "UPDATE cloakroom_sessions SET label = E'a\\nb'",
    "UPDATE cloakroom_sessions SET label = repeat('x', 100000)",
    "UPDATE cloakroom_sessions SET principal = ''",
];

#[tokio::test]
async fn a_damaged_session_is_an_error_of_its_own_alone() {
    for damage in DAMAGES {
        let database = Database::new();
        let store = database.store().await;
        let damaged = session(&store, "a", "1").await;
        run(&mut database.tables().await, damage).await;
        let sound = session(&store, "a", "2").await;
        let error = open(&store, &damaged, &["a"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
        assert_eq!(read(&store, &sound, "a").await.unwrap(), "2");
        commit(&store, &change(sound.guard(), vec![set("a", "4")])).await;
    }
}

#[tokio::test]
async fn what_a_commit_needs_must_be_sound() {
    let damages = [DAMAGES[0], DAMAGES[1], "UPDATE cloakroom_sessions SET recent = recent || '\\x00'"];
    for damage in damages {
        let database = Database::new();
        let store = database.store().await;
        let ticket = session(&store, "a", "1").await;
        run(&mut database.tables().await, damage).await;
        let error = store.commit(&change(ticket.guard(), vec![set("a", "3")])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
    }
}

#[tokio::test]
async fn a_damaged_attribute_is_corrupt() {
    let damages = [
        "UPDATE cloakroom_attributes SET name = E'a\\n'",
        "UPDATE cloakroom_attributes SET name = repeat('x', 2000)",
        "UPDATE cloakroom_attributes SET revision = -1",
    ];
    for damage in damages {
        let database = Database::new();
        let store = database.store().await;
        let ticket = session(&store, "a", "1").await;
        run(&mut database.tables().await, damage).await;
        let error = store.load(&everything(&ticket)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
    }
}

#[tokio::test]
async fn a_list_leaves_out_what_cannot_be_read() {
    for damage in [DAMAGES[0], DAMAGES[4], DAMAGES[5]] {
        let database = Database::new();
        let store = database.store().await;
        session_of(&store, "ada").await;
        run(&mut database.tables().await, damage).await;
        let sound = session_of(&store, "ada").await;
        let listed = store.sessions_of(&principal("ada")).await.unwrap();
        assert_eq!(listed.iter().map(|info| info.handle).collect::<Vec<_>>(), [sound.handle()], "{damage}");
    }
}

#[tokio::test]
async fn all_of_a_principals_sessions_end_also_those_that_cannot_be_read() {
    let database = Database::new();
    let store = database.store().await;
    let mut tables = database.tables().await;
    session_of(&store, "ada").await;
    run(&mut tables, NEWER_FORMAT).await;
    run(&mut tables, "UPDATE cloakroom_sessions SET created_at = -1").await;
    let sound = session_of(&store, "ada").await;
    let all = Invalidate::Principal { principal: principal("ada"), except: None };
    let Invalidated::Done(ended) = store.invalidate(&all).await.unwrap() else { panic!("superseded") };
    assert_eq!(ended.iter().map(|ended| ended.handle).collect::<Vec<_>>(), [sound.handle()]);
    assert_eq!(scalar::<i64>(&mut tables, "SELECT count(*) FROM cloakroom_sessions").await, 0);
}

#[tokio::test]
async fn a_sweep_removes_what_cannot_be_read_and_hands_out_the_rest() {
    let damages = [
        "UPDATE cloakroom_sessions SET created_at = -1",
        "UPDATE cloakroom_sessions SET principal = repeat('é', 100000)",
        "UPDATE cloakroom_attributes SET name = E'a\\nb\\n\\n'",
    ];
    for damage in damages {
        let database = Database::new();
        let store = database.store().await;
        let mut tables = database.tables().await;
        session(&store, "a", "1").await;
        run(&mut tables, damage).await;
        let sound = session(&store, "a", "1").await;
        age_all(&mut tables).await;
        assert_eq!(sweep(&store).await, [sound.handle()], "{damage}");
        assert_eq!(scalar::<i64>(&mut tables, "SELECT count(*) FROM cloakroom_sessions").await, 0);
    }
}

#[tokio::test]
async fn a_sweep_leaves_a_newer_format_to_newer_servers() {
    let database = Database::new();
    let store = database.store().await;
    let mut tables = database.tables().await;
    session(&store, "a", "1").await;
    run(&mut tables, NEWER_FORMAT).await;
    let sound = session(&store, "a", "1").await;
    age_all(&mut tables).await;
    assert_eq!(sweep(&store).await, [sound.handle()]);
    assert_eq!(sweep(&store).await, []);
    assert_eq!(scalar::<i64>(&mut tables, "SELECT count(*) FROM cloakroom_sessions").await, 1);
}
