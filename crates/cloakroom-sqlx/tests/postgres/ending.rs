use std::time::Duration;

use cloakroom_core::{Invalidate, Select, Store as _, Sweep};

use crate::support::*;

const SESSIONS: &str = "SELECT count(*) FROM cloakroom_sessions";
const ATTRIBUTES: &str = "SELECT count(*) FROM cloakroom_attributes";

#[tokio::test]
async fn attributes_end_with_their_session_however_it_ends() {
    let database = Database::new();
    let store = database.store().await;
    let mut tables = database.tables().await;
    let all_of_ada = Invalidate::Principal { principal: principal("ada"), except: None };

    let ticket = session_of(&store, "ada").await;
    assert_eq!(scalar::<i64>(&mut tables, ATTRIBUTES).await, 1);
    store.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap();
    assert_eq!(scalar::<i64>(&mut tables, ATTRIBUTES).await, 0);

    session_of(&store, "ada").await;
    store.invalidate(&all_of_ada).await.unwrap();
    assert_eq!(scalar::<i64>(&mut tables, ATTRIBUTES).await, 0);

    session(&store, "a", "1").await;
    age_all(&mut tables).await;
    assert_eq!(sweep(&store).await.len(), 1);
    assert_eq!(scalar::<i64>(&mut tables, ATTRIBUTES).await, 0);

    session(&store, "a", "1").await;
    store.invalidate(&Invalidate::Everyone).await.unwrap();
    assert_eq!(sweep(&store).await.len(), 0, "what ended with everybody's is handed out to nobody");
    assert_eq!(scalar::<i64>(&mut tables, ATTRIBUTES).await, 0);
    assert_eq!(scalar::<i64>(&mut tables, SESSIONS).await, 0);
}

#[tokio::test]
async fn an_attribute_without_a_session_cannot_be_stored() {
    let database = Database::new();
    database.store().await;
    let orphan = "INSERT INTO cloakroom_attributes (session, name, revision, content)
                  VALUES (gen_random_uuid(), 'a', 1, '')";
    let error = sqlx::raw_sql(orphan).execute(&mut database.tables().await).await.unwrap_err();
    assert!(error.as_database_error().unwrap().is_foreign_key_violation());
}

#[tokio::test]
async fn everyones_end_is_seen_by_all_at_once_and_leaves_new_sessions_alone() {
    let database = Database::new();
    let (store, other) = (database.store().await, database.lazy());
    let before = session_of(&store, "ada").await;
    store.invalidate(&Invalidate::Everyone).await.unwrap();
    assert!(open(&other, &before, &["a"]).await.unwrap().is_none());
    let after = session_of(&store, "ada").await;
    assert_eq!(sweep(&other).await, []);
    assert!(open(&other, &after, &["a"]).await.unwrap().is_some());
    let listed = other.sessions_of(&principal("ada")).await.unwrap();
    assert_eq!(listed.iter().map(|info| info.handle).collect::<Vec<_>>(), [after.handle()]);
}

/// A session that has expired and was not handed out yet is not revived by what was held back, once it has been ended.
#[tokio::test]
async fn what_was_ended_after_it_expired_stays_ended() {
    let database = Database::new();
    let store = database.store().await;
    for way in 0..3 {
        let ticket = session_of(&store, "ada").await;
        run(&mut database.tables().await, "UPDATE cloakroom_sessions SET max_inactive = 1").await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        let invalidate = match way {
            0 => Invalidate::Ticket(ticket.guard()),
            1 => Invalidate::Handle { handle: ticket.handle(), owner: Some(principal("ada")) },
            _ => Invalidate::Principal { principal: principal("ada"), except: None },
        };
        store.invalidate(&invalidate).await.unwrap();
        let mut late = change(ticket.guard(), vec![set("a", "2")]);
        late.age = Duration::from_secs(1000);
        let outcome = store.commit(&late).await.unwrap();
        assert!(matches!(outcome, cloakroom_core::Outcome::Gone(_)), "{way}: {outcome:?}");
        run(&mut database.tables().await, "UPDATE cloakroom_sessions SET due_at = 0").await;
        assert_eq!(sweep(&store).await, [ticket.handle()], "it is handed out still");
    }
}

/// What was accessed since a sweep was to look at it is looked at again when it would expire; it is not in the way of others.
#[tokio::test]
async fn a_sweep_passes_by_what_is_live() {
    let database = Database::new();
    let store = database.store().await;
    let mut tables = database.tables().await;
    for _ in 0..5 {
        session(&store, "a", "1").await;
    }
    run(&mut tables, "UPDATE cloakroom_sessions SET due_at = 0").await;
    let expired = session(&store, "a", "1").await;
    let sql = format!(
        "UPDATE cloakroom_sessions SET due_at = 1, accessed_at = 0 WHERE handle = '{}'",
        expired.handle()
    );
    run(&mut tables, &sql).await;
    let one = Sweep { limit: 1, lease: None, select: Select::default() };
    let ended = store.sweep(&one).await.unwrap();
    assert_eq!(ended.iter().map(|it| it.handle).collect::<Vec<_>>(), [expired.handle()]);
    let moved = "SELECT count(*) FROM cloakroom_sessions WHERE due_at = expires_at";
    assert_eq!(scalar::<i64>(&mut tables, moved).await, 5);
}

/// When a sweep is to look at a session is moved by an access, or a commit, if less than half of its interval is left.
#[tokio::test]
async fn an_access_moves_the_next_look_at_times() {
    let database = Database::new();
    let store = database.store().await;
    let ticket = session(&store, "a", "1").await;
    let mut tables = database.tables().await;
    for is_commit in [false, true] {
        for (left, is_moved) in [(400_000, true), (600_000, false)] {
            let sql = format!("UPDATE cloakroom_sessions SET due_at = cloakroom_now_1() + {left}");
            run(&mut tables, &sql).await;
            if is_commit {
                commit(&store, &change(ticket.guard(), Vec::new())).await;
            } else {
                let _ = store.load(&load(&ticket, &[], ALWAYS)).await.unwrap();
            }
            let moved = "SELECT due_at = expires_at FROM cloakroom_sessions";
            assert_eq!(scalar::<bool>(&mut tables, moved).await, is_moved, "{left} ms are left");
        }
    }
}

/// An access changes no index: PostgreSQL can store it beside the row as it was (a "heap-only tuple").
#[tokio::test]
async fn accesses_and_commits_change_no_index() {
    let database = Database::new();
    let store = database.store().await;
    let ticket = session(&store, "a", "1").await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let _ = store.load(&load(&ticket, &["a"], ALWAYS)).await.unwrap();
        commit(&store, &change(ticket.guard(), vec![set("a", "2")])).await;
    }
    let mut tables = database.tables().await;
    let updates = "SELECT n_tup_upd - n_tup_hot_upd FROM pg_stat_user_tables \
                   WHERE relid = 'cloakroom_sessions'::regclass AND n_tup_upd >= 8";
    let others = loop {
        if let Some(others) = sqlx::query_scalar::<_, i64>(updates).fetch_optional(&mut tables).await.unwrap()
        {
            break others;
        }
        drop(store.ping().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(others, 0);
}
