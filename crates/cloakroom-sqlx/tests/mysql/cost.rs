//! The messages that each operation takes, as the crate's documentation tells them, counted on the wire.

use std::time::Duration;

use cloakroom_core::{
    AtLimit, AttributeChange, Commit, Edit, Expect, Freshness, Intent, Invalidate, Label, Load, MaxSessions,
    Outcome, Select, Store as _, Sweep, Ticket, TicketChange, Touch, Version, Wanted,
};
use cloakroom_sqlx::MySqlStore;
use cloakroom_testkit::Harness as _;

use crate::support::*;

/// Counts what one connection carries.
struct Counter {
    _nodes: Nodes,
    proxy: Proxy,
    store: MySqlStore,
}

impl Counter {
    async fn new() -> Self {
        let nodes = Nodes::new().await;
        nodes.store().await;
        let proxy = Proxy::new(&server()).await;
        let store = nodes.node_with(1, proxy.through(nodes.options())).await;
        store.ping().await.unwrap();
        Self { _nodes: nodes, proxy, store }
    }

    async fn traffic_of<T>(&self, operation: impl Future<Output = T>) -> Traffic {
        let before = self.proxy.traffic();
        operation.await;
        let after = self.proxy.traffic();
        Traffic {
            requests: after.requests - before.requests,
            prepared: after.prepared - before.prepared,
            sent: after.sent - before.sent,
            received: after.received - before.received,
        }
    }

    async fn of<T>(&self, operation: impl Future<Output = T>) -> usize {
        self.traffic_of(operation).await.requests
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

fn remove(number: usize) -> AttributeChange {
    AttributeChange { name: name(&format!("a{number}")), edit: Edit::Remove, expect: None }
}

#[tokio::test]
async fn a_load_is_one_message_and_a_touch_one_more() {
    let counter = Counter::new().await;
    let ticket = Ticket::generate().unwrap();
    let mut creation = create(ticket.guard(), sets(100));
    if let Intent::Create(terms) = &mut creation.intent {
        terms.max_inactive_interval = Duration::from_secs(3600);
    }
    commit(&counter.store, &creation).await;
    for values in [Wanted::Nothing, named(0), named(1), named(2), named(100), named(2000), Wanted::Everything]
    {
        for names in [false, true] {
            assert_eq!(counter.of_load(&ticket, values.clone(), names, Touch::Never).await, 1);
        }
    }
    let hourly = Touch::AtMostEvery(Duration::from_secs(3600));
    assert_eq!(counter.of_load(&ticket, named(1), false, hourly).await, 1);
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(counter.of_load(&ticket, named(1), false, Touch::AtMostEvery(Duration::ZERO)).await, 2);
}

#[tokio::test]
async fn a_commit_that_sets_a_few_attributes_is_two_messages() {
    let counter = Counter::new().await;
    let ticket = session(&counter.store, "x", "1").await;
    let guard = ticket.guard();
    assert_eq!(counter.of_commit(change(guard, sets(1))).await, 2, "a new one");
    assert_eq!(counter.of_commit(change(guard, sets(1))).await, 2, "one that is there");
    assert_eq!(counter.of_commit(change(guard, sets(8))).await, 2, "both");
    assert_eq!(counter.of_commit(change(guard, Vec::new())).await, 2, "none");
    let mut labelled = change(guard, Vec::new());
    labelled.changes.label = Some(Label::new("x").unwrap());
    assert_eq!(counter.of_commit(labelled).await, 2);
    let (_, renewal) = renew(&ticket, cloakroom_core::Seed::generate().unwrap());
    assert_eq!(counter.of_commit(renewal).await, 2);
}

#[tokio::test]
async fn an_answer_that_stores_nothing_is_one_message_or_two() {
    let counter = Counter::new().await;
    let ticket = session(&counter.store, "a0", "1").await;
    let refused = async |commit: Commit| {
        counter
            .of(async {
                let outcome = counter.store.commit(&commit).await.unwrap();
                assert!(!matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
            })
            .await
    };
    let mut unexpected = change(ticket.guard(), sets(1));
    unexpected.changes.attributes[0].expect = Some(Expect::Revision(Version(7)));
    assert_eq!(refused(unexpected.clone()).await, 1);
    unexpected.changes.clear = true;
    assert_eq!(refused(unexpected).await, 2);
    assert_eq!(refused(change(Ticket::generate().unwrap().guard(), sets(1))).await, 1);
    assert_eq!(refused(create(ticket.guard(), sets(1))).await, 2);
}

#[tokio::test]
async fn every_other_commit_is_three_messages() {
    let counter = Counter::new().await;
    let ticket = Ticket::generate().unwrap();
    let guard = ticket.guard();
    assert_eq!(counter.of_commit(create(guard, sets(2))).await, 3);
    let mixed = vec![set("a0", "2"), remove(1), remove(2)];
    assert_eq!(counter.of_commit(change(guard, mixed)).await, 3);
    assert_eq!(counter.of_commit(change(guard, (0..100).map(remove).collect())).await, 3);
    let mut cleared = change(guard, sets(1));
    cleared.changes.clear = true;
    assert_eq!(counter.of_commit(cleared).await, 3);
    let mut longer = change(guard, sets(1));
    longer.changes.max_inactive_interval = Some(INTERVAL * 2);
    assert_eq!(counter.of_commit(longer).await, 3);
    assert_eq!(counter.of_commit(change(guard, sets(16))).await, 3);
    assert_eq!(counter.of_commit(change(guard, sets(100))).await, 6, "64 and 16 and 16 and 4");
}

#[tokio::test]
async fn a_session_whose_attributes_have_lapsed_takes_more() {
    let counter = Counter::new().await;
    let ticket = session(&counter.store, "x", "1").await;
    let mut brief = set("brief", "1");
    if let Edit::Set { ttl, .. } = &mut brief.edit {
        *ttl = Some(Duration::from_millis(1));
    }
    commit(&counter.store, &change(ticket.guard(), vec![brief])).await;
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(counter.of_commit(change(ticket.guard(), sets(1))).await, 5);
    assert_eq!(counter.of_commit(change(ticket.guard(), sets(1))).await, 2);
}

#[tokio::test]
async fn a_sign_in_is_three_messages_and_one_more_at_its_limit() {
    let counter = Counter::new().await;
    let limited = async |count: Option<u32>| {
        let ticket = session(&counter.store, "a", "1").await;
        let (_, mut commit) = sign_in(&ticket, "ada");
        if let Some(TicketChange::SignIn { bind, .. }) = &mut commit.changes.ticket {
            bind.max_sessions = count.map(|count| MaxSessions { count, at_limit: AtLimit::EndOldest });
        }
        commit
    };
    assert_eq!(counter.of_commit(limited(None).await).await, 3);
    assert_eq!(counter.of_commit(limited(Some(2)).await).await, 3);
    assert_eq!(counter.of_commit(limited(Some(2)).await).await, 4);
}

#[tokio::test]
async fn ending_and_listing_take_few() {
    let counter = Counter::new().await;
    let store = &counter.store;
    let ticket = session(store, "a", "1").await;
    assert_eq!(counter.of_invalidate(Invalidate::Ticket(ticket.guard())).await, 2);
    assert_eq!(counter.of_invalidate(Invalidate::Ticket(ticket.guard())).await, 2);
    for _ in 0..3 {
        session_of(store, "ada").await;
    }
    let ada = principal("ada");
    assert_eq!(counter.of(async { store.sessions_of(&ada).await.unwrap() }).await, 1);
    let all = Invalidate::Principal { principal: ada, except: None };
    assert_eq!(counter.of_invalidate(all.clone()).await, 3);
    assert_eq!(counter.of_invalidate(all).await, 2);
    assert_eq!(counter.of_invalidate(Invalidate::Everyone).await, 1);
    assert_eq!(counter.of(async { store.ping().await.unwrap() }).await, 1);
}

#[tokio::test]
async fn a_sweep_is_one_message_while_there_is_nothing_to_do() {
    let counter = Counter::new().await;
    let store = &counter.store;
    for _ in 0..20 {
        session(store, "a", "1").await;
    }
    assert_eq!(counter.of(sweep(store)).await, 1);
    for _ in 0..20 {
        expired(store, "a").await;
    }
    let lease = Sweep { limit: 10, lease: Some(INTERVAL), select: Select::default() };
    let mut leased = Vec::new();
    assert_eq!(counter.of(async { leased = store.sweep(&lease).await.unwrap() }).await, 4);
    let handles: Vec<_> = leased.iter().map(|ended| ended.handle).collect();
    assert_eq!(handles.len(), 10);
    assert_eq!(counter.of(async { store.acknowledge(&handles).await.unwrap() }).await, 1);
    assert_eq!(counter.of(async { assert_eq!(sweep(store).await.len(), 10) }).await, 4);
}

/// Once the statements are prepared, a small attribute of a large session costs little to read and to change.
#[tokio::test]
async fn the_rest_of_a_session_is_not_carried_along() {
    let counter = Counter::new().await;
    let ticket = session(&counter.store, "small", "0").await;
    for number in 0..200 {
        commit(&counter.store, &change(ticket.guard(), vec![set(&format!("large{number}"), vec![7; 1024])]))
            .await;
    }
    let change = || async { commit(&counter.store, &change(ticket.guard(), vec![set("small", "1")])).await };
    let read = || async { read(&counter.store, &ticket, "small").await };
    change().await;
    read().await;
    let (changed, was_read) = (counter.traffic_of(change()).await, counter.traffic_of(read()).await);
    assert_eq!((changed.prepared, was_read.prepared), (0, 0));
    for bytes in [was_read.sent, was_read.received, changed.sent, changed.received] {
        assert!(bytes < 1024, "{was_read:?} {changed:?}");
    }
}
