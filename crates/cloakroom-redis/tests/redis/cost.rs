//! The calls that each operation takes on one server, as the crate's documentation tells them.

use cloakroom_core::{
    AttributeChange, Commit, Edit, Freshness, Invalidate, Label, Load, Select, Store as _, Ticket, Touch,
    Wanted,
};

use crate::support::*;

/// Everything a store sends but scripts.
const COMMANDS: [&str; 2] = ["ping", "wait"];

struct Counter(Private);

impl Counter {
    /// Begins when everything has run once, so that the server knows all scripts.
    async fn new() -> Self {
        let counter = Self(Private::start().await);
        let store = &counter.0.store;
        let ticket = session_of(store, "nobody else").await;
        counter.load(&ticket, Wanted::Nothing, false, Touch::Never).await;
        commit(store, &limited(store, "nobody else", 1).await).await;
        counter
            .of_invalidate(Invalidate::Principal { principal: principal("nobody else"), except: None })
            .await;
        brief(store, std::time::Duration::from_millis(1)).await;
        eventually("a session is handed out", async || (!sweep(store).await.is_empty()).then_some(())).await;
        counter.of_invalidate(Invalidate::Everyone).await;
        counter
    }

    async fn of<T>(&self, operation: impl Future<Output = T>) -> u64 {
        let before = self.0.scripts();
        operation.await;
        self.0.scripts() - before
    }

    async fn of_commit(&self, commit: Commit) -> u64 {
        self.of(async { crate::support::commit(&self.0.store, &commit).await }).await
    }

    async fn load(&self, ticket: &Ticket, values: Wanted, names: bool, touch: Touch) -> u64 {
        let load = Load {
            guard: ticket.guard(),
            select: Select { values, names },
            touch,
            freshness: Freshness::Any,
        };
        self.of(async { self.0.store.load(&load).await.unwrap() }).await
    }

    async fn of_invalidate(&self, invalidate: Invalidate) -> u64 {
        self.of(async { self.0.store.invalidate(&invalidate).await.unwrap() }).await
    }
}

fn named(count: usize) -> Wanted {
    Wanted::Named((0..count).map(|number| name(&format!("a{number}"))).collect())
}

fn sets(count: usize) -> Vec<AttributeChange> {
    (0..count).map(|number| set(&format!("a{number}"), "1")).collect()
}

#[tokio::test]
async fn a_load_is_one_call_whatever_it_reads() {
    let counter = Counter::new().await;
    let ticket = Ticket::generate().unwrap();
    commit(&counter.0.store, &create(ticket.guard(), sets(100))).await;
    for touch in [Touch::Never, Touch::AtMostEvery(std::time::Duration::ZERO)] {
        for values in [Wanted::Nothing, named(1), named(100), named(5000), Wanted::Everything] {
            for names in [false, true] {
                assert_eq!(counter.load(&ticket, values.clone(), names, touch).await, 1);
            }
        }
    }
}

#[tokio::test]
async fn a_commit_is_one_call_whatever_it_changes() {
    let counter = Counter::new().await;
    let ticket = Ticket::generate().unwrap();
    let guard = ticket.guard();
    assert_eq!(counter.of_commit(create(guard, sets(100))).await, 1);
    assert_eq!(counter.of_commit(change(guard, sets(1))).await, 1);
    let remove = AttributeChange { name: name("a5"), edit: Edit::Remove, expect: None };
    let mut all = change(guard, vec![remove, set("a6", "2")]);
    all.changes.clear = true;
    all.changes.label = Some(Label::new("x").unwrap());
    all.changes.max_inactive_interval = Some(INTERVAL / 2);
    assert_eq!(counter.of_commit(all).await, 1);
    let (ticket, renewal) = renew(&ticket, cloakroom_core::Seed::generate().unwrap());
    assert_eq!(counter.of_commit(renewal).await, 1);
    let (_, signing_in) = sign_in(&ticket, "ada");
    assert_eq!(counter.of_commit(signing_in).await, 1, "the index is on the same server");
}

#[tokio::test]
async fn a_sign_in_that_is_limited_takes_more() {
    let counter = Counter::new().await;
    let limited = async || limited(&counter.0.store, "ada", 2).await;
    assert_eq!(counter.of_commit(limited().await).await, 4, "turn, question, commit, end of the turn");
    assert_eq!(counter.of_commit(limited().await).await, 5, "and the list, together with the question");
    assert_eq!(counter.of_commit(limited().await).await, 6, "and one to end the oldest");
}

#[tokio::test]
async fn ending_and_listing_take_few() {
    let counter = Counter::new().await;
    let store = &counter.0.store;
    let ticket = session(store, "a", "1").await;
    assert_eq!(counter.of_invalidate(Invalidate::Ticket(ticket.guard())).await, 1);
    let ticket = session_of(store, "ada").await;
    assert_eq!(counter.of_invalidate(Invalidate::Ticket(ticket.guard())).await, 2, "and its entry");
    for _ in 0..100 {
        session_of(store, "bob").await;
    }
    let bob = principal("bob");
    assert_eq!(counter.of(async { store.sessions_of(&bob).await.unwrap() }).await, 2);
    assert_eq!(counter.of_invalidate(Invalidate::Principal { principal: bob, except: None }).await, 3);
    assert_eq!(counter.of_invalidate(Invalidate::Everyone).await, 1);
}

#[tokio::test]
async fn a_sweep_is_one_call_while_there_is_nothing_to_do() {
    let counter = Counter::new().await;
    let store = &counter.0.store;
    for _ in 0..50 {
        session(store, "a", "1").await;
    }
    assert_eq!(counter.of(sweep(store)).await, 1);
    for _ in 0..50 {
        brief(store, std::time::Duration::from_millis(1)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    assert_eq!(counter.of(sweep(store)).await, 2, "find them, hand them out");
    assert_eq!(counter.of(async { store.acknowledge(&[]).await.unwrap() }).await, 0);
}

#[tokio::test]
async fn nothing_but_scripts_is_sent_for_what_a_request_does() {
    let counter = Counter::new().await;
    let count = |name: &str| counter.0.info("commandstats", &format!("cmdstat_{name}"));
    let before: Vec<_> = COMMANDS.map(count).into();
    let ticket = session(&counter.0.store, "a", "1").await;
    read(&counter.0.store, &ticket, "a").await.unwrap();
    commit(&counter.0.store, &change(ticket.guard(), vec![set("a", "2")])).await;
    let after: Vec<_> = COMMANDS.map(count).into();
    assert_eq!(after, before);
}
