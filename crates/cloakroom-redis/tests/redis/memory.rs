//! A server whose memory is full, or that makes room by itself.

use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Invalidate, Loaded, Outcome, Select, Store as _, Sweep, Touch};
use cloakroom_redis::RedisStore;
use servers::Redis;

use crate::support::*;

/// Creates sessions until the server takes no more, and returns its error.
async fn fill(store: &RedisStore) -> Error {
    for _ in 0..10_000 {
        let ticket = cloakroom_core::Ticket::generate().unwrap();
        match store.commit(&create(ticket.guard(), vec![set("a", vec![b'x'; 100_000])])).await {
            Ok(Outcome::Committed(_)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => return error,
        }
    }
    panic!("the server is never full")
}

#[tokio::test]
async fn full_memory_is_a_clear_error_and_what_is_there_can_be_read_and_ended() {
    let private = Private::start().await;
    let store = &private.store;
    let ticket = session(store, "a", "1").await;
    private.ask(&["CONFIG", "SET", "maxmemory", "4mb"]);
    let error = fill(store).await;
    assert_eq!(error.kind(), ErrorKind::Full, "{error:?}");
    private.ask(&["CONFIG", "SET", "maxmemory", "1mb"]);
    let error = store.commit(&change(ticket.guard(), vec![set("a", "2"), set("b", "2")])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full, "{error:?}");
    assert_eq!(read(store, &ticket, "a").await.unwrap(), "1", "nothing of the commit is stored");
    assert_eq!(end(store, Invalidate::Ticket(ticket.guard())).await, 1);
}

#[tokio::test]
async fn full_memory_keeps_no_replica_from_acknowledging_what_has_ended() {
    let private = Private::start().await;
    let replica = replica_of(&private.server).await;
    let ticket = session(&private.store, "a", "1").await;
    let long = Duration::from_secs(20);
    let store = private.store.clone().invalidations_acknowledged_by(1, long).unwrap();
    private.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(end(&store, Invalidate::Ticket(ticket.guard())).await, 1);
    assert_eq!(end(&store, Invalidate::Ticket(ticket.guard())).await, 0, "found done, and acknowledged");
    let soon = private.store.clone().invalidations_acknowledged_by(1, Duration::from_millis(50)).unwrap();
    replica.pause();
    let error = soon.invalidate(&Invalidate::Ticket(ticket.guard())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    replica.resume();
}

#[tokio::test]
async fn full_memory_still_takes_accesses_and_sweeps() {
    let private = Private::start().await;
    let store = &private.store;
    let used = session(store, "a", "1").await;
    let before = open(store, &used, &[]).await.unwrap().unwrap().meta.accessed_at;
    let ending = brief(store, Duration::from_millis(20)).await;
    private.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    let touch = load(&used, &["a"], Touch::AtMostEvery(Duration::ZERO));
    let recorded = eventually("the access is recorded", async || match store.load(&touch).await.unwrap() {
        Loaded::Open(opened) => (opened.meta.accessed_at > before).then_some(opened),
        other => panic!("{other:?}"),
    });
    assert_eq!(recorded.await.attributes[0].value, "1");
    let lease = Sweep { limit: 10, lease: Some(INTERVAL), select: Select::default() };
    let handed_out = eventually("a session is handed out", async || {
        Some(store.sweep(&lease).await.unwrap()).filter(|found| !found.is_empty())
    });
    assert_eq!(handed_out.await[0].handle, ending.handle());
    store.acknowledge(&[ending.handle()]).await.unwrap();
    assert_eq!(private.keys("cloakroom:*-*"), [key_of(&used)]);
}

#[tokio::test]
async fn a_policy_that_drops_sessions_is_warned_of_once() {
    let log = Log::install();
    let warnings = |policy: &str| log.events_with(policy).len();
    let options = Redis::options().set("maxmemory", "100mb").set("maxmemory-policy", "volatile-random");
    let private = Private::start_with(options).await;
    let ticket = session(&private.store, "a", "1").await;
    eventually("a warning", async || (warnings("volatile-random") > 0).then_some(())).await;
    let clone = private.store.clone();
    for _ in 0..5 {
        read(&clone, &ticket, "a").await.unwrap();
    }
    assert_eq!(warnings("volatile-random"), 1);
}

#[tokio::test]
async fn what_was_dropped_by_the_server_is_absent() {
    for policy in ["allkeys-random", "volatile-lru"] {
        let options = Redis::options().set("maxmemory", "5mb").set("maxmemory-policy", policy);
        let private = Private::start_with(options).await;
        let store = &private.store;
        let mut tickets = Vec::new();
        for _ in 0..100 {
            tickets.push(session(store, "a", vec![b'x'; 100_000]).await);
        }
        let mut gone = 0;
        for ticket in &tickets {
            match open(store, ticket, &["a"]).await.unwrap() {
                None => gone += 1,
                Some(opened) => assert_eq!(opened.attributes[0].value.len(), 100_000, "whole or not at all"),
            }
        }
        assert!(gone > 0, "{policy} has dropped some");
        let again = session(store, "a", "1").await;
        assert_eq!(read(store, &again, "a").await.unwrap(), "1");
    }
}
