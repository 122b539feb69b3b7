use std::time::{Duration, Instant};

use serde_json::json;

use super::{hits, is_gone, keeps, seen_in_time};
use crate::support::{Backend, Server, Site, Visitor, eventually, for_one_store};

const OPTIONS: [&str; 3] = ["--near-cache", "--max-inactive-interval", "10m"];

/// Makes each case a test for each kind of store that has a feed.
macro_rules! for_each_kind {
    ($($case:ident),+ $(,)?) => {
        for_one_store!(redis, Redis, $($case),+);
        for_one_store!(postgres, Postgres, $($case),+);
        for_one_store!(nats, Nats, $($case),+);
    };
}

for_each_kind!(
    a_write_is_seen,
    ones_own_write_is_seen_at_once,
    a_logout_is_seen,
    a_rotation_is_seen,
    a_sign_in_is_seen,
    ended_sessions_of_a_principal_are_seen,
    what_is_not_used_expires,
    what_is_used_on_one_server_does_not_expire
);

for_one_store!(redis_sentinel, RedisSentinel, a_write_is_seen, a_logout_is_seen);

for_one_store!(
    redis_cluster,
    RedisCluster,
    a_write_is_seen,
    a_logout_is_seen,
    a_sign_in_is_seen,
    ended_sessions_of_a_principal_are_seen
);

async fn a_write_is_seen(backend: Backend) {
    let site = Site::start(backend, &OPTIONS).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    for round in 0..5 {
        keeps(site.b(), &visitor, "first").await;
        visitor.set(site.a(), "first", round + 10).await;
        let acknowledged = Instant::now();
        let read = async || visitor.clone().attribute(site.b(), "first").await;
        seen_in_time(acknowledged, async || Some(read().await == Some(json!(round + 10)))).await;
    }
}

async fn ones_own_write_is_seen_at_once(backend: Backend) {
    let site = Site::start(backend, &OPTIONS).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    keeps(site.a(), &visitor, "first").await;
    for round in 0..50 {
        visitor.set(site.a(), "first", round).await;
        for _ in 0..2 {
            assert_eq!(visitor.attribute(site.a(), "first").await, Some(json!(round)));
        }
    }
    visitor.post(site.a(), "/logout").await.is(204);
}

async fn a_logout_is_seen(backend: Backend) {
    let site = Site::start(backend, &OPTIONS).await;
    let (visitor, _) = Visitor::with_session(site.a()).await;
    keeps(site.b(), &visitor, "first").await;
    visitor.clone().post(site.a(), "/logout").await.is(204).removes_cookie();
    let acknowledged = Instant::now();
    seen_in_time(acknowledged, async || Some(first_is_gone(site.b(), &visitor).await)).await;
    assert!(is_gone(site.b(), &visitor).await);
}

async fn a_rotation_is_seen(backend: Backend) {
    let site = Site::start(backend, &[&OPTIONS[..], &["--rotation-grace", "1s"]].concat()).await;
    let (before, _) = Visitor::with_session(site.a()).await;
    keeps(site.b(), &before, "first").await;
    let mut after = before.clone();
    after.post(site.a(), "/rotate").await.is(204).ticket();
    let rotated = Instant::now();
    // Nobody comes with the new ticket meanwhile. The grace of a second is over before the bound.
    seen_in_time(rotated, async || Some(first_is_gone(site.b(), &before).await)).await;
    keeps(site.b(), &after, "first").await;
}

async fn a_sign_in_is_seen(backend: Backend) {
    let site = Site::start(backend, &OPTIONS).await;
    let (before, _) = Visitor::with_session(site.a()).await;
    keeps(site.b(), &before, "first").await;
    let mut after = before.clone();
    after.login(site.a(), "ada").await.is(204).ticket();
    let acknowledged = Instant::now();
    seen_in_time(acknowledged, async || Some(first_is_gone(site.b(), &before).await)).await;
    assert_eq!(after.session(site.b()).await["principal"], "ada");
}

async fn ended_sessions_of_a_principal_are_seen(backend: Backend) {
    let site = Site::start(backend, &OPTIONS).await;
    let mut one = Visitor::signed_in(site.a(), "ada").await;
    let mut other = Visitor::signed_in(site.b(), "ada").await;
    one.set(site.a(), "first", 1).await;
    keeps(site.b(), &one, "first").await;
    other.delete(site.a(), "/principal/sessions").await.is(200);
    let acknowledged = Instant::now();
    seen_in_time(acknowledged, async || Some(first_is_gone(site.b(), &one).await)).await;
    assert!(is_gone(site.b(), &one).await);
    assert!(is_gone(site.a(), &one).await);
}

async fn what_is_not_used_expires(backend: Backend) {
    let site = Site::start(backend, &["--near-cache", "--touch-every", "1h"]).await;
    let watcher = Visitor::signed_in(site.a(), "ada").await;
    let mut visitor = Visitor::signed_in(site.a(), "ada").await;
    visitor.set(site.a(), "first", 1).await;
    let handle = visitor.handle(site.a()).await;
    visitor.post(site.a(), "/interval?ms=6000").await.is(204);
    keeps(site.b(), &visitor, "first").await;
    eventually(|| async {
        let list = watcher.clone().get(site.a(), "/principal/sessions").await.is(200).json();
        list.as_array().unwrap().iter().all(|session| session["handle"] != *handle)
    })
    .await;
    assert!(is_gone(site.b(), &visitor).await);
}

/// A machine that stops for a while would end the session as it should: such a run proves nothing and is done again.
async fn what_is_used_on_one_server_does_not_expire(backend: Backend) {
    let site = Site::start(backend, &["--near-cache", "--max-inactive-interval", "5s"]).await;
    for _ in 0..10 {
        let made = Instant::now();
        let (visitor, _) = Visitor::with_session(site.a()).await;
        let used = Used::of(&visitor, site.b(), made).await;
        let left = visitor.clone().attribute(site.a(), "first").await;
        if used.last.elapsed().max(used.longest) < Duration::from_secs(2) {
            assert!(used.lived, "it expired");
            assert_eq!(left, Some(json!(1)));
            assert!(3 * used.hits > used.times, "{} of {} from memory", used.hits, used.times);
            return;
        }
    }
    panic!("this machine stops again and again");
}

/// How a session was used on a server for eleven seconds.
struct Used {
    /// Whether it was there each time.
    lived: bool,
    times: u64,
    /// How many of them were answered from memory.
    hits: u64,
    /// The longest time between two uses.
    longest: Duration,
    last: Instant,
}

impl Used {
    async fn of(visitor: &Visitor, server: &Server, made: Instant) -> Self {
        let (began, before) = (Instant::now(), hits(server).await);
        let mut used = Self { lived: true, times: 0, hits: 0, longest: Duration::ZERO, last: made };
        while began.elapsed() < Duration::from_secs(11) {
            let asked = Instant::now();
            used.lived &= visitor.clone().attribute(server, "first").await == Some(json!(1));
            used.times += 1;
            used.longest = used.longest.max(used.last.elapsed());
            used.last = asked;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        used.hits = hits(server).await - before;
        used
    }
}

/// Returns whether the session is not there for a request that reads what the node keeps, and no more: it loads nothing, so
/// that only a notice can tell the node.
async fn first_is_gone(server: &Server, visitor: &Visitor) -> bool {
    visitor.clone().attribute(server, "first").await.is_none()
}
