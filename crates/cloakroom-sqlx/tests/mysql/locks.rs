//! What an operation waits for, and what it sees afterwards.

use std::time::Duration;

use cloakroom_core::{
    AtLimit, Conflict, Edit, ErrorKind, Expect, Gone, Intent, Invalidate, Invalidated, Loaded, MaxSessions,
    Outcome, Store as _, Ticket, TicketChange, Touch, Version,
};
use cloakroom_sqlx::MySqlStore;
use cloakroom_testkit::Harness as _;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use crate::support::*;

/// A transaction that has locked a session, row for row, as a slow commit might.
struct Lock(MySqlConnection);

impl Lock {
    async fn of(nodes: &Nodes, ticket: &Ticket) -> Self {
        let mut connection = nodes.connection().await;
        connection.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED").await.unwrap();
        connection.execute("START TRANSACTION").await.unwrap();
        for (table, column) in [("cloakroom_sessions", "handle"), ("cloakroom_attributes", "session")] {
            let sql = AssertSqlSafe(format!("SELECT * FROM {table} WHERE {column} = ? FOR UPDATE"));
            let handle = ticket.handle();
            let rows = sqlx::query(sql).bind(handle.as_bytes().as_slice()).fetch_all(&mut connection).await;
            assert!(!rows.unwrap().is_empty());
        }
        Self(connection)
    }

    async fn release(mut self) {
        self.0.execute("COMMIT").await.unwrap();
        self.0.close().await.unwrap();
    }
}

/// Waits until a statement on this test's database has been waiting for a while.
async fn wait_for_a_waiter(nodes: &Nodes) {
    let waiting = format!(
        "SELECT count(*) FROM information_schema.processlist \
         WHERE db = '{}' AND command <> 'Sleep' AND time_ms > 100 AND id <> CONNECTION_ID()",
        nodes.database()
    );
    wait_until(&nodes.tables().await, &waiting).await;
}

fn counted(ticket: &Ticket, version: u64, value: &str) -> cloakroom_core::Commit {
    let mut commit = change(ticket.guard(), vec![set("count", value.to_owned())]);
    commit.changes.attributes[0].expect = Some(Expect::Revision(Version(version)));
    commit
}

/// Has the second of two commits wait for the first one's row lock. Both expect the attribute as it is before either.
async fn the_second_finds_what_the_first_has_stored(make_slow: impl Fn(&mut cloakroom_core::Commit)) {
    let nodes = Nodes::new().await;
    let store = nodes.store().await;
    let ticket = session(&store, "count", "0").await;
    let newer = stored_by_another_node(&nodes, &ticket).await;
    let mut lock = Lock::of(&nodes, &ticket).await;
    let mut second = counted(&ticket, 1, "2");
    make_slow(&mut second);
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { store.commit(&second).await.unwrap() })
    };
    wait_for_a_waiter(&nodes).await;
    for (name, revision, value) in &newer {
        let sql = "UPDATE cloakroom_attributes SET revision = ?, value = ? WHERE session = ? AND name = ?";
        let handle = ticket.handle();
        let query = sqlx::query(sql).bind(revision).bind(value).bind(handle.as_bytes().as_slice()).bind(name);
        query.execute(&mut lock.0).await.unwrap();
    }
    lock.release().await;
    match waiting.await.unwrap() {
        Outcome::Conflict(Conflict::Attribute(conflicting)) => assert_eq!(conflicting, name("count")),
        other => panic!("{other:?}"),
    }
    let opened = open(&store, &ticket, &["count"]).await.unwrap().unwrap();
    assert_eq!((opened.meta.version, &opened.attributes[0].value[..]), (Version(2), &b"1"[..]));
}

/// Returns the rows of the session as a commit leaves them that another node makes, to the same session elsewhere.
async fn stored_by_another_node(nodes: &Nodes, ticket: &Ticket) -> Vec<(Vec<u8>, i64, Vec<u8>)> {
    let elsewhere = nodes.neighbour().await;
    let tables = nodes.tables().await;
    for copy in [
        "INSERT INTO neighbour_sessions SELECT * FROM cloakroom_sessions WHERE handle = ?",
        "INSERT INTO neighbour_attributes SELECT * FROM cloakroom_attributes WHERE session = ?",
    ] {
        let handle = ticket.handle();
        sqlx::query(copy).bind(handle.as_bytes().as_slice()).execute(&tables).await.unwrap();
    }
    commit(&elsewhere, &counted(ticket, 1, "1")).await;
    sqlx::query_as("SELECT name, revision, value FROM neighbour_attributes").fetch_all(&tables).await.unwrap()
}

#[tokio::test]
async fn a_commit_that_waited_without_a_lock_sees_the_newest() {
    the_second_finds_what_the_first_has_stored(|_| {}).await;
}

#[tokio::test]
async fn a_commit_that_waited_for_the_lock_sees_the_newest() {
    the_second_finds_what_the_first_has_stored(|commit| {
        commit.changes.attributes.push(cloakroom_core::AttributeChange {
            name: name("absent"),
            edit: Edit::Remove,
            expect: None,
        });
    })
    .await;
}

const ENDINGS: [&str; 2] = [
    "DELETE FROM cloakroom_sessions WHERE handle = ?",
    "UPDATE cloakroom_attributes SET lapses_at = 1 WHERE session = ? AND name = x''",
];

/// Has the session end, removed or handed out as expired, while an operation waits for its rows.
async fn end_while_waiting<T: Send + 'static>(
    nodes: &Nodes,
    ticket: &Ticket,
    ending: &'static str,
    waiting: impl Future<Output = T> + Send + 'static,
) -> T {
    let mut lock = Lock::of(nodes, ticket).await;
    let waiting = tokio::spawn(waiting);
    wait_for_a_waiter(nodes).await;
    let handle = ticket.handle();
    sqlx::query(ending).bind(handle.as_bytes().as_slice()).execute(&mut lock.0).await.unwrap();
    lock.release().await;
    waiting.await.unwrap()
}

#[tokio::test]
async fn a_commit_to_a_session_that_ends_while_it_waits_is_gone() {
    let nodes = Nodes::new().await;
    let store = nodes.store().await;
    for ending in ENDINGS {
        for clear in [false, true] {
            let ticket = session(&store, "a", "1").await;
            let mut change = change(ticket.guard(), vec![set("a", "2"), set("b", "2")]);
            change.changes.clear = clear;
            let committing = store.clone();
            let commit = async move { committing.commit(&change).await.unwrap() };
            let outcome = end_while_waiting(&nodes, &ticket, ending, commit).await;
            assert!(matches!(outcome, Outcome::Gone(Gone::Absent)), "{outcome:?} after {ending}");
            assert!(open(&store, &ticket, &[]).await.unwrap().is_none());
        }
    }
    assert_eq!(count(&nodes.tables().await, "cloakroom_attributes WHERE value = '2'").await, 0);
}

/// So long after the last access that recording this one cannot be left to a later load.
#[tokio::test]
async fn a_load_of_a_session_that_ends_before_the_access_is_recorded_finds_nothing() {
    let nodes = Nodes::new().await;
    let store = nodes.store().await;
    for ending in ENDINGS {
        let ticket = Ticket::generate().unwrap();
        let mut creation = create(ticket.guard(), vec![set("a", "1")]);
        creation.age = INTERVAL * 3 / 4;
        commit(&store, &creation).await;
        let (loading, touching) = (store.clone(), load(&ticket, &["a"], Touch::AtMostEvery(INTERVAL)));
        let load = async move { loading.load(&touching).await.unwrap() };
        let loaded = end_while_waiting(&nodes, &ticket, ending, load).await;
        assert!(matches!(loaded, Loaded::Absent), "{loaded:?} after {ending}");
    }
}

/// What has expired stays so, however long what would have kept it waited.
#[tokio::test]
async fn a_session_that_expires_while_operations_wait_stays_expired() {
    let nodes = Nodes::new().await;
    let store = nodes.store().await;
    let ticket = Ticket::generate().unwrap();
    let mut creation = create(ticket.guard(), vec![set("a", "1")]);
    if let Intent::Create(terms) = &mut creation.intent {
        terms.max_inactive_interval = Duration::from_secs(6);
    }
    creation.age = Duration::from_secs(3);
    commit(&store, &creation).await;
    let lock = Lock::of(&nodes, &ticket).await;
    let (committing, loading) = (store.clone(), store.clone());
    let commit = tokio::spawn(async move {
        committing.commit(&change(ticket.guard(), vec![set("a", "2")])).await.unwrap()
    });
    let load = tokio::spawn(async move {
        loading.load(&load(&ticket, &[], Touch::AtMostEvery(Duration::ZERO))).await.unwrap()
    });
    wait_for_a_waiter(&nodes).await;
    while open(&store, &ticket, &[]).await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    lock.release().await;
    let outcome = commit.await.unwrap();
    assert!(matches!(outcome, Outcome::Gone(Gone::Absent)), "{outcome:?}");
    assert!(matches!(load.await.unwrap(), Loaded::Absent));
    assert!(open(&store, &ticket, &[]).await.unwrap().is_none());
}

#[tokio::test]
async fn a_load_waits_for_nobody() {
    let nodes = Nodes::new().await;
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    let lock = Lock::of(&nodes, &ticket).await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
    tokio::time::sleep(Duration::from_millis(2)).await;
    let touching = load(&ticket, &["a"], Touch::AtMostEvery(Duration::ZERO));
    let Loaded::Open(first) = store.load(&touching).await.unwrap() else { panic!("not open") };
    lock.release().await;
    let _ = store.load(&touching).await.unwrap();
    let after = open(&store, &ticket, &[]).await.unwrap().unwrap().meta.accessed_at;
    assert!(after > first.meta.accessed_at, "the next load has recorded the access");
}

/// Everything that can be done with other sessions, in tables so small that the server would rather read them whole.
#[tokio::test]
async fn a_locked_session_holds_up_no_other() {
    let nodes = Nodes::new().await;
    let store = nodes.store().await;
    let locked = session_of(&store, "bob").await;
    let mine = session_of(&store, "ada").await;
    let (oldest, due) = (session_of(&store, "ada").await, expired(&store, "a").await);
    let _ = oldest;
    let lock = Lock::of(&nodes, &locked).await;

    let remove = cloakroom_core::AttributeChange { name: name("a"), edit: Edit::Remove, expect: None };
    commit(&store, &change(mine.guard(), vec![set("new", "1")])).await;
    commit(&store, &change(mine.guard(), vec![set("new", "2"), remove])).await;
    let mut cleared = change(mine.guard(), vec![set("b", "1")]);
    cleared.changes.clear = true;
    commit(&store, &cleared).await;
    let (_, limited) = limited_sign_in(&session(&store, "a", "1").await, "ada", 2);
    let Outcome::Committed(committed) = store.commit(&limited).await.unwrap() else {
        panic!("not committed")
    };
    assert_eq!(committed.ended.len(), 1);

    assert_eq!(sweep(&store).await, [due.handle()]);
    let due = expired(&store, "a").await.handle();
    let lease =
        cloakroom_core::Sweep { limit: 10, lease: Some(INTERVAL), select: cloakroom_core::Select::default() };
    assert_eq!(store.sweep(&lease).await.unwrap().len(), 1);
    store.acknowledge(&[due]).await.unwrap();
    ended(&store, Invalidate::Ticket(session(&store, "a", "1").await.guard()), 1).await;
    let by_handle = session(&store, "a", "1").await.handle();
    ended(&store, Invalidate::Handle { handle: by_handle, owner: None }, 1).await;
    ended(&store, Invalidate::Principal { principal: principal("ada"), except: None }, 2).await;
    lock.release().await;
    ended(&store, Invalidate::Principal { principal: principal("bob"), except: None }, 1).await;
}

async fn ended(store: &MySqlStore, invalidate: Invalidate, count: usize) {
    match store.invalidate(&invalidate).await.unwrap() {
        Invalidated::Done(ended) => assert_eq!(ended.len(), count, "{invalidate:?}"),
        Invalidated::Superseded => panic!("superseded"),
    }
}

fn limited_sign_in(ticket: &Ticket, who: &str, count: u32) -> (Ticket, cloakroom_core::Commit) {
    let (next, mut commit) = sign_in(ticket, who);
    if let Some(TicketChange::SignIn { bind, .. }) = &mut commit.changes.ticket {
        bind.max_sessions = Some(MaxSessions { count, at_limit: AtLimit::EndOldest });
    }
    (next, commit)
}

#[tokio::test]
async fn a_lock_that_is_never_released_is_a_timeout_and_nothing_is_stored() {
    let nodes = Nodes::new().await;
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    let lock = Lock::of(&nodes, &ticket).await;
    let mut cleared = change(ticket.guard(), Vec::new());
    cleared.changes.clear = true;
    let simple = change(ticket.guard(), vec![set("a", "2")]);
    let (by_lock, at_once) = tokio::join!(store.commit(&cleared), store.commit(&simple));
    assert_eq!(by_lock.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(at_once.unwrap_err().kind(), ErrorKind::Timeout);
    lock.release().await;
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "1");
    commit(&store, &cleared).await;
}
