//! Operations that end other sessions than their own, all at once: none waits for another in a circle.

use std::time::Duration;

use cloakroom_core::{AtLimit, Bind, Invalidate, Loaded, MaxSessions, Outcome, Select, Store, Sweep, Ticket};
use cloakroom_sqlx::PostgresStore;

use crate::support::*;

fn one_session_of(who: &str) -> Bind {
    let max_sessions = Some(MaxSessions { count: 1, at_limit: AtLimit::EndOldest });
    Bind { principal: principal(who), max_sessions }
}

/// Each of two sessions is signed in to by the principal of the other, who may have no more than one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_ins_that_end_each_others_sessions() {
    let database = Database::new();
    let store = database.store().await;
    for _ in 0..40 {
        let (ada, bob) = tokio::join!(session_of(&store, "ada"), session_of(&store, "bob"));
        let signing_in = [(ada, "bob"), (bob, "ada")].map(|(ticket, who)| {
            let store = store.clone();
            tokio::spawn(async move {
                let (next, commit) = sign_in_with(&ticket, one_session_of(who));
                (next, store.commit(&commit).await)
            })
        });
        for signed_in in signing_in {
            let (_, outcome) = signed_in.await.unwrap();
            let outcome = outcome.unwrap();
            assert!(matches!(outcome, Outcome::Committed(_) | Outcome::Gone(_)), "{outcome:?}");
        }
        for who in ["ada", "bob"] {
            assert!(store.sessions_of(&principal(who)).await.unwrap().len() <= 1);
        }
        store.invalidate(&Invalidate::Everyone).await.unwrap();
    }
}

/// All sessions of a principal are ended while one of them is signed in to anew, which would end another.
#[tokio::test]
async fn an_end_of_all_and_a_sign_in_that_ends_the_oldest() {
    let database = Database::new();
    let store = database.store().await;
    let oldest = session_of(&store, "ada").await;
    let newer = loop {
        let newer = session_of(&store, "bob").await;
        // What locks rows by their handles comes to the oldest first.
        if oldest.handle() < newer.handle() {
            break newer;
        }
    };
    let (newer, commit_to) = sign_in(&newer, "ada");
    commit(&store, &commit_to).await;
    let mut tables = database.tables().await;
    let lock =
        format!("BEGIN; SELECT FROM cloakroom_sessions WHERE handle = '{}' FOR UPDATE", oldest.handle());
    run(&mut tables, &lock).await;
    let (ending, signing_in) = (store.clone(), store.clone());
    let all = Invalidate::Principal { principal: principal("ada"), except: None };
    let ending = tokio::spawn(async move { ending.invalidate(&all).await });
    database.until_waiting(1).await;
    let (_, again) = sign_in_with(&newer, one_session_of("ada"));
    let signing_in = tokio::spawn(async move { signing_in.commit(&again).await });
    database.until_waiting(2).await;
    run(&mut tables, "COMMIT").await;
    ending.await.unwrap().unwrap();
    let outcome = signing_in.await.unwrap().unwrap();
    assert!(matches!(outcome, Outcome::Gone(_)), "{outcome:?}");
}

/// Signs in with one ticket after the other, as whoever comes next, for a while.
async fn sign_in_again_and_again(store: PostgresStore, tickets: Vec<Ticket>, offset: usize) {
    for (round, ticket) in tickets.iter().cycle().take(60).enumerate() {
        let who = ["ada", "bob", "eve"][(round + offset) % 3];
        let (_, commit) = sign_in_with(ticket, one_session_of(who));
        let _ = store.commit(&commit).await.unwrap();
        let fresh = session(&store, "a", "1").await;
        let (next, commit) = sign_in_with(&fresh, one_session_of(who));
        let _ = store.commit(&commit).await.unwrap();
        let _ = store.load(&load(&next, &["a"], ALWAYS)).await.unwrap();
    }
}

async fn end_again_and_again(store: PostgresStore) {
    for round in 0..60 {
        let who = principal(["ada", "bob", "eve"][round % 3]);
        store.invalidate(&Invalidate::Principal { principal: who, except: None }).await.unwrap();
    }
}

async fn sweep_again_and_again(store: PostgresStore) {
    for round in 0..60_u64 {
        let lease = (round % 2 == 0).then_some(Duration::ZERO);
        let sweep = Sweep { limit: 3, lease, select: Select::default() };
        let ended = store.sweep(&sweep).await.unwrap();
        let handles: Vec<_> = ended.iter().map(|it| it.handle).collect();
        store.acknowledge(&handles).await.unwrap();
    }
}

/// Creates sessions that expire at once, and comes too late with changes to them.
async fn let_expire(store: PostgresStore) {
    for _ in 0..60 {
        let ticket = Ticket::generate().unwrap();
        let mut create = create(ticket.guard(), vec![set("a", "1")]);
        create.changes.max_inactive_interval = Some(Duration::from_millis(2));
        commit(&store, &create).await;
        let (_, mut commit) = sign_in(&ticket, "ada");
        commit.age = Duration::from_millis(1);
        let _ = store.commit(&commit).await.unwrap();
    }
}

/// Any deadlock would be an error of one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_at_once() {
    let database = Database::new();
    let stores = [database.store().await, database.lazy().max_connections(8)];
    let mut tickets = Vec::new();
    for who in ["ada", "bob", "eve", "ada"] {
        tickets.push(session_of(&stores[0], who).await);
    }
    let mut tasks = Vec::new();
    for (number, store) in stores.iter().enumerate() {
        tasks.push(tokio::spawn(sign_in_again_and_again(store.clone(), tickets.clone(), number)));
        tasks.push(tokio::spawn(sign_in_again_and_again(store.clone(), tickets.clone(), number + 1)));
        tasks.push(tokio::spawn(end_again_and_again(store.clone())));
        tasks.push(tokio::spawn(sweep_again_and_again(store.clone())));
        tasks.push(tokio::spawn(let_expire(store.clone())));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

/// A sign-in that ends another session waits for a change of that session to be over, and then ends it.
#[tokio::test]
async fn a_session_that_must_end_may_be_in_use() {
    let database = Database::new();
    let store = database.store().await;
    let oldest = session_of(&store, "ada").await;
    let mut tables = database.tables().await;
    run(&mut tables, "BEGIN; UPDATE cloakroom_sessions SET version = 7").await;
    let fresh = session(&store, "a", "1").await;
    let (_, commit) = sign_in_with(&fresh, one_session_of("ada"));
    let waiting = store.clone();
    let signing_in = tokio::spawn(async move { waiting.commit(&commit).await.unwrap() });
    database.until_waiting(1).await;
    run(&mut tables, "COMMIT").await;
    let Outcome::Committed(committed) = signing_in.await.unwrap() else { panic!("not committed") };
    let ended: Vec<_> = committed.ended.iter().map(|it| it.handle).collect();
    assert_eq!(ended, [oldest.handle()]);
    assert!(matches!(store.load(&everything(&oldest)).await.unwrap(), Loaded::Absent));
}
