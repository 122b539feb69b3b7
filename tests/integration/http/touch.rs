use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::{Backend, Server, Site, Visitor, for_each_site};

for_each_site!(
    reading_is_an_access_and_tells_the_one_before,
    a_route_that_does_not_use_the_session_is_no_access,
    accesses_are_recorded_at_most_as_often_as_asked,
    reading_keeps_a_session_alive,
);

async fn last_access(visitor: &mut Visitor, server: &Server) -> u64 {
    visitor.session(server).await["last_accessed_at_ms"].as_u64().unwrap()
}

/// Longer than two nodes may be apart in what they take for the time of NATS, on a machine that is busy.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

async fn reading_is_an_access_and_tells_the_one_before(backend: Backend) {
    let site = Site::start(backend, &["--touch-every", "0s"]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let created = last_access(&mut visitor, site.a()).await;
    let seen = visitor.session(site.b()).await;
    assert!(Some(created) <= seen["last_accessed_at_ms"].as_u64());
    for number in 0..3 {
        let before = last_access(&mut visitor, site.a()).await;
        pause().await;
        visitor.get(site.node(number), "/attributes/first").await.is(200);
        pause().await;
        let after = last_access(&mut visitor, site.b()).await;
        assert!(after >= before + 20, "the read between was recorded: {before} {after}");
    }
}

async fn a_route_that_does_not_use_the_session_is_no_access(backend: Backend) {
    let site = Site::start(backend, &["--touch-every", "0s"]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    visitor.session(site.a()).await;
    pause().await;
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    for path in ["/plain", "/healthz", "/metrics", "/nonsense"] {
        visitor.get(site.a(), path).await.without_cookie();
    }
    assert!(last_access(&mut visitor, site.b()).await < now);
}

async fn accesses_are_recorded_at_most_as_often_as_asked(backend: Backend) {
    let site = Site::start(backend, &["--touch-every", "1h"]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let first = last_access(&mut visitor, site.a()).await;
    pause().await;
    assert_eq!(last_access(&mut visitor, site.b()).await, first);
    assert_eq!(last_access(&mut visitor, site.a()).await, first);
    visitor.set(site.a(), "a", 1).await;
    assert!(last_access(&mut visitor, site.b()).await > first, "a commit always counts");
}

/// A machine that stops for a while would end the session as it should: such a run proves nothing and is done again.
async fn reading_keeps_a_session_alive(backend: Backend) {
    let interval = Duration::from_millis(1500);
    let site = Site::start(backend, &["--max-inactive-interval", "1500ms"]).await;
    for _ in 0..10 {
        let (mut visitor, _) = Visitor::with_session(site.a()).await;
        let start = tokio::time::Instant::now();
        let (mut longest, mut last) = (Duration::ZERO, start);
        let mut seen = Value::Null;
        while start.elapsed() < 2 * interval {
            tokio::time::sleep(interval / 10).await;
            seen = visitor.session(site.b()).await["new"].clone();
            longest = longest.max(last.elapsed());
            last = tokio::time::Instant::now();
        }
        if longest < interval / 2 {
            assert_eq!(seen, false);
            return;
        }
    }
    panic!("this machine stops again and again");
}
