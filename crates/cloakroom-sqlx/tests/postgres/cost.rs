//! What passes between the store and the server, counted on the way.

use std::time::Duration;

use cloakroom_core::{AtLimit, MaxSessions, TicketChange};
use cloakroom_core::{
    AttributeChange, Commit, Freshness, Invalidate, Load, Select, Store as _, Sweep, Ticket, Touch, Wanted,
};
use cloakroom_sqlx::PostgresStore;

use crate::support::*;

struct Counter {
    database: Database,
    store: PostgresStore,
    proxy: Proxy,
}

impl Counter {
    async fn new() -> Self {
        let proxy = Proxy::to(port_of(&shared_url())).await;
        let database = Database::new();
        let url = proxy.url(&shared_url());
        let store = database.at(PostgresStore::connect_lazy(&url).unwrap().max_connections(1));
        store.migrate().await.unwrap();
        Self { database, store, proxy }
    }

    async fn of_commit(&self, commit: Commit) -> Passed {
        self.proxy.of(crate::support::commit(&self.store, &commit)).await
    }

    async fn of_load(&self, load: &Load) -> Passed {
        self.proxy.of(async { self.store.load(load).await.unwrap() }).await
    }

    async fn of_invalidate(&self, invalidate: Invalidate) -> u64 {
        self.proxy.of(async { self.store.invalidate(&invalidate).await.unwrap() }).await.round_trips
    }
}

fn named(count: usize) -> Wanted {
    Wanted::Named((0..count).map(|number| name(&format!("a{number}"))).collect())
}

fn sets(count: usize) -> Vec<AttributeChange> {
    (0..count).map(|number| set(&format!("a{number}"), "1")).collect()
}

#[tokio::test]
async fn a_load_is_one_round_trip_touch_included() {
    let counter = Counter::new().await;
    let ticket = Ticket::generate().unwrap();
    commit(&counter.store, &create(ticket.guard(), sets(100))).await;
    let load = |values, names, touch| Load {
        guard: ticket.guard(),
        select: Select { values, names },
        touch,
        freshness: Freshness::Any,
    };
    counter.of_load(&load(Wanted::Nothing, false, ALWAYS)).await;
    for values in [Wanted::Nothing, named(0), named(1), named(100), Wanted::Everything] {
        for (names, touch) in [(false, Touch::Never), (true, ALWAYS)] {
            assert_eq!(counter.of_load(&load(values.clone(), names, touch)).await.round_trips, 1);
        }
    }
}

#[tokio::test]
async fn a_name_that_is_wanted_twice_is_read_once() {
    let counter = Counter::new().await;
    let ticket = session(&counter.store, "a", "1").await;
    let opened = open(&counter.store, &ticket, &["a", "b", "a"]).await.unwrap().unwrap();
    assert_eq!(opened.attributes.len(), 1);
}

#[tokio::test]
async fn a_load_writes_nothing_unless_an_access_is_due() {
    let counter = Counter::new().await;
    let ticket = session(&counter.store, "a", "1").await;
    let mut tables = counter.database.tables().await;
    let hourly = load(&ticket, &["a"], Touch::AtMostEvery(Duration::from_secs(3600)));
    let version = "SELECT xmin::text || ' ' || xmax::text FROM cloakroom_sessions";
    let before: String = scalar(&mut tables, version).await;
    let _ = counter.store.load(&hourly).await.unwrap();
    assert_eq!(scalar::<String>(&mut tables, version).await, before, "neither written nor locked");
    run(&mut tables, "UPDATE cloakroom_sessions SET accessed_at = accessed_at - max_inactive / 10").await;
    let before: i64 = scalar(&mut tables, "SELECT accessed_at FROM cloakroom_sessions").await;
    assert_eq!(counter.of_load(&hourly).await.round_trips, 1);
    assert!(scalar::<i64>(&mut tables, "SELECT accessed_at FROM cloakroom_sessions").await > before);
}

#[tokio::test]
async fn a_commit_is_one_round_trip_whatever_it_does() {
    let counter = Counter::new().await;
    let ticket = Ticket::generate().unwrap();
    let guard = ticket.guard();
    assert_eq!(counter.of_commit(create(guard, sets(1))).await.round_trips, 2, "the first prepares");
    for count in [0, 1, 7, 100] {
        assert_eq!(counter.of_commit(change(guard, sets(count))).await.round_trips, 1);
    }
    let mut all = change(guard, sets(3));
    all.changes.clear = true;
    assert_eq!(counter.of_commit(all).await.round_trips, 1);
    for _ in 0..2 {
        let fresh = session(&counter.store, "a", "1").await;
        let (_, mut signing_in) = sign_in(&fresh, "ada");
        if let Some(TicketChange::SignIn { bind, .. }) = &mut signing_in.changes.ticket {
            bind.max_sessions = Some(MaxSessions { count: 1, at_limit: AtLimit::EndOldest });
        }
        assert_eq!(counter.of_commit(signing_in).await.round_trips, 1);
    }
}

#[tokio::test]
async fn everything_else_is_one_round_trip_as_well() {
    let counter = Counter::new().await;
    let store = &counter.store;
    for times in [2, 1] {
        let (one, two) = (session_of(store, "ada").await, session_of(store, "ada").await);
        let ada = principal("ada");
        let listing = async { store.sessions_of(&ada).await.unwrap() };
        assert_eq!(counter.proxy.of(listing).await.round_trips, times);
        assert_eq!(counter.of_invalidate(Invalidate::Ticket(one.guard())).await, times);
        let by_handle = Invalidate::Handle { handle: two.handle(), owner: None };
        assert_eq!(counter.of_invalidate(by_handle).await, times);
        let all = Invalidate::Principal { principal: ada, except: None };
        assert_eq!(counter.of_invalidate(all).await, times);
        assert_eq!(counter.of_invalidate(Invalidate::Everyone).await, times);
        assert_eq!(counter.proxy.of(sweep(store)).await.round_trips, times);
        let acknowledging = async { store.acknowledge(&[one.handle()]).await.unwrap() };
        assert_eq!(counter.proxy.of(acknowledging).await.round_trips, times);
    }
    assert_eq!(counter.proxy.of(async { store.ping().await.unwrap() }).await.round_trips, 1);
}

/// One small attribute of a session of 200 KB: the bytes beside the attribute's own are bounded, both ways together.
#[tokio::test]
async fn what_is_not_touched_does_not_pass() {
    let counter = Counter::new().await;
    let ticket = Ticket::generate().unwrap();
    let mut large: Vec<_> = (0..50).map(|number| set(&format!("a{number}"), vec![7; 4096])).collect();
    large.push(set("small", "1"));
    commit(&counter.store, &create(ticket.guard(), large)).await;
    let load = load(&ticket, &["small"], ALWAYS);
    let change = || change(ticket.guard(), vec![set("small", "2")]);
    counter.of_load(&load).await;
    counter.of_commit(change()).await;
    for passed in [counter.of_load(&load).await, counter.of_commit(change()).await] {
        let beside = passed.to_server + passed.from_server - 2 * "small".len() as u64 - 1;
        assert!(beside <= 300, "{passed:?}");
    }
}

#[tokio::test]
async fn a_sweep_hands_out_what_was_asked_for() {
    let counter = Counter::new().await;
    let ticket = session(&counter.store, "a", "1").await;
    age_all(&mut counter.database.tables().await).await;
    let values = Wanted::Named([name("a")].into());
    let request = Sweep { limit: 10, lease: None, select: Select { values, names: false } };
    let ended = counter.store.sweep(&request).await.unwrap();
    assert_eq!((ended[0].handle, &ended[0].attributes[0].value[..]), (ticket.handle(), &b"1"[..]));
}
