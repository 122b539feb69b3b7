//! The statements that each operation takes, as the crate's documentation tells them. What begins and ends a transaction is
//! not counted here.

use std::time::Duration;

use cloakroom_core::{
    AtLimit, AttributeChange, Commit, Edit, Freshness, Invalidate, Label, Load, MaxSessions, Select,
    Store as _, Sweep, Ticket, TicketChange, Touch, Wanted,
};
use cloakroom_sqlx::SqliteStore;
use cloakroom_testkit::Harness as _;

use crate::support::*;

/// Counts the statements on the tables of one namespace.
struct Counter {
    log: Log,
    namespace: &'static str,
    store: SqliteStore,
}

impl Counter {
    async fn new(nodes: &Nodes, namespace: &'static str) -> Self {
        let log = Log::install();
        let store = nodes.store().await.namespace(namespace).unwrap();
        store.migrate().await.unwrap();
        Self { log, namespace, store }
    }

    fn statements(&self) -> usize {
        self.log.events_with(&format!("{}_", self.namespace)).len()
    }

    async fn of<T>(&self, operation: impl Future<Output = T>) -> usize {
        let before = self.statements();
        operation.await;
        self.statements() - before
    }

    async fn of_commit(&self, commit: Commit) -> usize {
        self.of(async { crate::support::commit(&self.store, &commit).await }).await
    }

    async fn of_load(&self, ticket: &Ticket, values: Wanted, names: bool, touch: Touch) -> usize {
        let load = Load {
            guard: ticket.guard(),
            select: Select { values, names },
            touch,
            freshness: Freshness::Any,
        };
        self.of(async { self.store.load(&load).await.unwrap() }).await
    }

    async fn of_invalidate(&self, invalidate: Invalidate) -> usize {
        self.of(async { self.store.invalidate(&invalidate).await.unwrap() }).await
    }
}

fn named(count: usize) -> Wanted {
    Wanted::Named((0..count).map(|number| name(&format!("a{number}"))).collect())
}

fn sets(count: usize) -> Vec<AttributeChange> {
    (0..count).map(|number| set(&format!("a{number}"), "1")).collect()
}

#[tokio::test]
async fn a_load_is_one_statement_and_a_touch_one_more() {
    let nodes = Nodes::new();
    let counter = Counter::new(&nodes, "cost_load").await;
    let ticket = Ticket::generate().unwrap();
    commit(&counter.store, &create(ticket.guard(), sets(100))).await;
    for values in [Wanted::Nothing, named(0), named(1), named(2), named(100), Wanted::Everything] {
        for names in [false, true] {
            assert_eq!(counter.of_load(&ticket, values.clone(), names, Touch::Never).await, 1);
        }
    }
    let hourly = Touch::AtMostEvery(Duration::from_secs(3600));
    assert_eq!(counter.of_load(&ticket, named(1), false, hourly).await, 1);
    nodes.clock.advance(INTERVAL / 10);
    assert_eq!(counter.of_load(&ticket, named(1), false, hourly).await, 2);
    assert_eq!(counter.of_load(&ticket, named(1), false, hourly).await, 1);
}

#[tokio::test]
async fn a_commit_is_two_statements_and_those_on_attributes() {
    let nodes = Nodes::new();
    let counter = Counter::new(&nodes, "cost_commit").await;
    let ticket = Ticket::generate().unwrap();
    let guard = ticket.guard();
    assert_eq!(counter.of_commit(create(guard, sets(2))).await, 2);
    assert_eq!(counter.of_commit(change(guard, sets(1))).await, 3);
    assert_eq!(counter.of_commit(change(guard, sets(4))).await, 3);
    assert_eq!(counter.of_commit(change(guard, sets(7))).await, 5, "4 and 2 and 1");
    assert_eq!(counter.of_commit(change(guard, sets(100))).await, 9, "6 times 16, and 4");
    let remove =
        |number| AttributeChange { name: name(&format!("a{number}")), edit: Edit::Remove, expect: None };
    assert_eq!(counter.of_commit(change(guard, (0..100).map(remove).collect())).await, 3);
    let mut labelled = change(guard, Vec::new());
    labelled.changes.label = Some(Label::new("x").unwrap());
    assert_eq!(counter.of_commit(labelled).await, 2);
    let mut cleared = change(guard, sets(1));
    cleared.changes.clear = true;
    assert_eq!(counter.of_commit(cleared).await, 4);
}

#[tokio::test]
async fn a_sign_in_that_is_limited_takes_one_or_two_more() {
    let nodes = Nodes::new();
    let counter = Counter::new(&nodes, "cost_sign_in").await;
    let limited = async |count| {
        let ticket = session(&counter.store, "a", "1").await;
        let (_, mut commit) = sign_in(&ticket, "ada");
        if let Some(TicketChange::SignIn { bind, .. }) = &mut commit.changes.ticket {
            bind.max_sessions = count;
        }
        commit
    };
    let max = |count| Some(MaxSessions { count, at_limit: AtLimit::EndOldest });
    assert_eq!(counter.of_commit(limited(None).await).await, 2);
    assert_eq!(counter.of_commit(limited(max(2)).await).await, 3);
    assert_eq!(counter.of_commit(limited(max(2)).await).await, 4);
}

#[tokio::test]
async fn ending_and_listing_take_few() {
    let nodes = Nodes::new();
    let counter = Counter::new(&nodes, "cost_end").await;
    let store = &counter.store;
    let ticket = session(store, "a", "1").await;
    assert_eq!(counter.of_invalidate(Invalidate::Ticket(ticket.guard())).await, 2);
    assert_eq!(counter.of_invalidate(Invalidate::Ticket(ticket.guard())).await, 1);
    for _ in 0..3 {
        session_of(store, "ada").await;
    }
    let ada = principal("ada");
    assert_eq!(counter.of(async { store.sessions_of(&ada).await.unwrap() }).await, 1);
    assert_eq!(counter.of_invalidate(Invalidate::Principal { principal: ada, except: None }).await, 2);
    assert_eq!(counter.of_invalidate(Invalidate::Everyone).await, 1);
    assert_eq!(counter.of(async { store.ping().await.unwrap() }).await, 1);
}

#[tokio::test]
async fn a_sweep_is_one_statement_while_there_is_nothing_to_do() {
    let nodes = Nodes::new();
    let counter = Counter::new(&nodes, "cost_sweep").await;
    let store = &counter.store;
    for _ in 0..70 {
        session(store, "a", "1").await;
    }
    assert_eq!(counter.of(sweep(store)).await, 1);
    nodes.clock.advance(INTERVAL);
    let lease = Sweep { limit: 10, lease: Some(INTERVAL), select: Select::default() };
    let mut leased = Vec::new();
    assert_eq!(counter.of(async { leased = store.sweep(&lease).await.unwrap() }).await, 4);
    let handles: Vec<_> = leased.iter().map(|ended| ended.handle).collect();
    assert_eq!(counter.of(async { store.acknowledge(&handles).await.unwrap() }).await, 1);
    assert_eq!(counter.of(sweep(store)).await, 4, "60 sessions");
}

#[tokio::test]
async fn no_log_tells_a_value_or_a_proof() {
    let nodes = Nodes::new();
    let counter = Counter::new(&nodes, "cost_log").await;
    let ticket = session(&counter.store, "quiet", "a value that nobody logs").await;
    assert!(read(&counter.store, &ticket, "quiet").await.is_some());
    assert!(counter.statements() > 0, "the statements are logged");
    assert_eq!(counter.log.events_with("a value that nobody logs").len(), 0);
    assert_eq!(counter.log.events_with(&ticket.expose()[22..]).len(), 0);
}
