//! A server that has no room left: in its memory, or for connections.

use std::time::Duration;

use futures_util::future::join_all;
use servers::{Postgres, Redis};
use sqlx::{Connection as _, PgConnection};

use super::traffic::{BOUND, newcomer, within};
use crate::support::{Backend, Site, Visitor, blocking, eventually};

/// More sessions than fit.
const MANY: usize = 200;

/// So many that most of the store's 256 buckets are in use.
const SMALL: usize = 400;

const NEWCOMERS: usize = 10;

#[tokio::test]
async fn redis_that_may_drop_nothing_refuses_what_does_not_fit() {
    let redis = redis("8mb", "noeviction").await;
    let site = Site::start_on(Backend::Redis, &redis.url(), &BOUND).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let (mut leaving, _) = Visitor::with_session(site.b()).await;
    populate(&site).await;
    fill(&site).await;
    // What the server took for buffers while sessions came in, it gives back after a while.
    redis.ask(&["CONFIG", "SET", "maxmemory", "2mb"]).unwrap();

    for server in [site.a(), site.b()] {
        within(visitor.clone().put(server, "/attributes/late", 1)).await.is(503).without_cookie();
        within(visitor.clone().post(server, "/increment/late")).await.is(503).without_cookie();
        for _ in 0..NEWCOMERS {
            within(async { Visitor::new().put(server, "/attributes/late", 1).await }).await.is(503);
        }
        assert_eq!(visitor.names(server).await, ["first"], "what is there can be read");
        visitor.get(server, "/plain").await.is(200);
        eventually(async || server.log().contains("the session store is full")).await;
    }
    leaving.post(site.b(), "/logout").await.is(204).removes_cookie();

    redis.ask(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    for server in [site.a(), site.b()] {
        visitor.put(server, "/attributes/after", 1).await.is(204).without_cookie();
    }
    assert_eq!(visitor.names(site.a()).await, ["after", "first"]);
}

#[tokio::test]
async fn redis_that_drops_what_was_not_used_drops_whole_sessions_and_is_warned_of() {
    let redis = redis("6mb", "allkeys-lru").await;
    let site = Site::start_on(Backend::Redis, &redis.url(), &BOUND).await;
    let mut visitors = Vec::new();
    for number in 0..MANY / 2 {
        let mut visitor = Visitor::new();
        visitor.post(site.node(number), "/fill?attributes=10&bytes=10000").await.is(204).ticket();
        visitors.push(visitor);
    }
    let mut dropped = 0;
    for (number, mut visitor) in visitors.into_iter().enumerate() {
        let server = site.node(number + 1);
        match visitor.names(server).await.len() {
            0 => dropped += 1,
            names => assert_eq!(names, 10, "whole or not at all"),
        }
        for name in ["a0000", "a0009"] {
            if let Some(value) = visitor.attribute(server, name).await {
                assert_eq!(value.as_str().unwrap().len(), 10_000);
            }
        }
    }
    assert!(dropped > 0, "nothing was dropped, so this shows nothing");
    Visitor::with_session(site.a()).await;
    for server in [site.a(), site.b()] {
        let warnings = || server.log().lines().filter(|line| line.contains("allkeys-lru")).count();
        eventually(async || warnings() > 0).await;
        assert_eq!(warnings(), 1, "{}", server.log());
    }
}

#[tokio::test]
async fn postgres_without_a_connection_to_spare() {
    let options = Postgres::options().set("max_connections", "12").set("superuser_reserved_connections", "4");
    let postgres = blocking(move || options.start().unwrap()).await;
    // Nobody sweeps, so that nodes connect for requests only.
    let options = [&BOUND[..], &["--sweep-every", "1h"]].concat();
    let site = Site::start_on(Backend::Postgres, &postgres.url(), &options).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    assert_eq!(visitor.names(site.b()).await, ["first"]);

    let others = take_all_connections(&postgres).await;
    for server in [site.a(), site.b()] {
        within(visitor.clone().get(server, "/session")).await.is(503).without_cookie();
        within(visitor.clone().put(server, "/attributes/late", 1)).await.is(503).without_cookie();
        within(visitor.clone().post(server, "/logout")).await.is(503).without_cookie();
        within(visitor.clone().get(server, "/plain")).await.is(200);
        eventually(async || {
            visitor.clone().get(server, "/session").await.is(503);
            server.log().contains("the session store is full")
        })
        .await;
    }
    for connection in others {
        connection.close().await.unwrap();
    }
    for server in [site.a(), site.b()] {
        eventually(async || visitor.clone().get(server, "/session").await.status == 200).await;
    }
    assert_eq!(visitor.names(site.a()).await, ["first"]);
    visitor.post(site.b(), "/logout").await.is(204).removes_cookie();
}

async fn redis(memory: &str, policy: &str) -> Redis {
    let options = Redis::options().set("maxmemory", memory).set("maxmemory-policy", policy);
    blocking(move || options.start().unwrap()).await
}

/// Creates many small sessions.
async fn populate(site: &Site) {
    let visits = (0..4).map(async |number| {
        for _ in 0..SMALL / 4 {
            newcomer(site.node(number)).await;
        }
    });
    join_all(visits).await;
}

/// Creates sessions until the store takes no more.
async fn fill(site: &Site) {
    for number in 0..MANY {
        let path = "/fill?attributes=10&bytes=50000";
        let answer = within(async { Visitor::new().post(site.node(number), path).await }).await;
        if answer.status == 503 {
            answer.without_cookie();
            return;
        }
        answer.is(204);
    }
    panic!("the store is never full");
}

/// Takes those of the nodes away, and all that are left.
async fn take_all_connections(postgres: &Postgres) -> Vec<PgConnection> {
    let mut taken = Vec::new();
    let take = async |taken: &mut Vec<PgConnection>| {
        while let Ok(connection) = PgConnection::connect(&postgres.url()).await {
            taken.push(connection);
        }
    };
    take(&mut taken).await;
    let mine: Vec<i32> = {
        let mut mine = Vec::new();
        for connection in &mut taken {
            mine.push(sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await.unwrap());
        }
        mine
    };
    let mine = mine.iter().map(i32::to_string).collect::<Vec<_>>().join(",");
    let of_nodes = format!("usename = 'cloakroom' AND pid NOT IN ({mine})");
    let end =
        format!("SELECT count(pg_terminate_backend(pid, 20000)) FROM pg_stat_activity WHERE {of_nodes}");
    assert_ne!(postgres.sql(&end).unwrap().trim(), "0");
    eventually(async || {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let left = format!("SELECT count(*) FROM pg_stat_activity WHERE {of_nodes}");
        postgres.sql(&left).unwrap().trim() == "0"
    })
    .await;
    take(&mut taken).await;
    taken
}
