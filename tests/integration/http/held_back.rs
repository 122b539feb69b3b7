//! Timed writes over real HTTP: what another server sees and when, what a crash may lose, and what nothing may.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::metrics::metrics;
use crate::support::{Backend, PATIENCE, Server, Site, Visitor, eventually, for_each_shared_store};

for_each_shared_store!(
    another_server_sees_it_within_the_interval,
    nothing_is_lost_when_a_server_is_stopped,
    what_goes_at_once_takes_along_what_is_held_back,
    an_end_on_another_server_wins,
    a_killed_server_loses_no_more_than_the_interval,
);

/// Longer than any test takes: nothing is written because its time has come.
const LONG: [&str; 2] = ["--write-every", "1h"];

/// A site whose first server holds back, and a visitor whose `a` is 1 in the store and 2 on that server.
async fn held(backend: Backend, options: &[&str]) -> (Site, Visitor) {
    let site = Site::start(backend, options).await;
    let visitor = held_on(&site).await;
    (site, visitor)
}

async fn held_on(site: &Site) -> Visitor {
    let mut visitor = Visitor::new();
    visitor.set(site.a(), "a", 1).await;
    visitor.set(site.a(), "a", 2).await;
    assert_eq!(visitor.attribute(site.a(), "a").await, Some(json!(2)), "it reads its own");
    visitor
}

/// Starts a server of the site that knows nothing of what others hold back.
async fn stranger(site: &Site) -> Server {
    site.another().await
}

async fn another_server_sees_it_within_the_interval(backend: Backend) {
    let site = Site::start(backend, &["--write-every", "10s"]).await;
    let other = stranger(&site).await;
    let visitor = held_on(&site).await;
    let sees = async || visitor.clone().attribute(&other, "a").await;
    assert_eq!(sees().await, Some(json!(1)), "it is held back");
    eventually(async || sees().await == Some(json!(2))).await;
}

async fn nothing_is_lost_when_a_server_is_stopped(backend: Backend) {
    let site = Site::start(backend, &LONG).await;
    let (stopped, other) = (stranger(&site).await, stranger(&site).await);
    let mut visitors = Vec::new();
    for number in 0..50 {
        let mut visitor = Visitor::new();
        visitor.set(&stopped, "a", 0).await;
        visitor.set(&stopped, "a", number).await;
        assert_eq!(visitor.attribute(&other, "a").await, Some(json!(0)), "it is held back");
        visitors.push(visitor);
    }
    stopped.stop().await;
    for (number, visitor) in visitors.iter_mut().enumerate() {
        assert_eq!(visitor.attribute(&other, "a").await, Some(json!(number)));
    }
}

async fn what_goes_at_once_takes_along_what_is_held_back(backend: Backend) {
    for path in ["/rotate", "/login", "/increment/n", "/interval?ms=60000"] {
        let (site, mut visitor) = held(backend, &LONG).await;
        let other = stranger(&site).await;
        assert_eq!(visitor.attribute(&other, "a").await, Some(json!(1)));
        let body = if path == "/login" { json!({ "principal": "ada" }) } else { Value::Null };
        let answer = visitor.post_json(site.a(), path, body).await;
        assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
        assert_eq!(visitor.attribute(&other, "a").await, Some(json!(2)), "{path}");
        assert_eq!(visitor.attribute(site.a(), "a").await, Some(json!(2)), "{path}");
    }
}

async fn an_end_on_another_server_wins(backend: Backend) {
    let site = Site::start(backend, &LONG).await;
    let (holding, other) = (stranger(&site).await, stranger(&site).await);
    let mut visitors = Vec::new();
    for _ in 0..2 {
        let mut visitor = Visitor::new();
        visitor.set(&holding, "a", 1).await;
        visitor.set(&holding, "a", 2).await;
        visitor.clone().post(&other, "/logout").await.is(204);
        visitors.push(visitor);
    }
    let mut returns = visitors.pop().unwrap();
    assert_eq!(returns.clone().session(&holding).await["new"], true);
    let log = holding.stop().await;
    assert_eq!(log.matches("session changes that were held back are lost").count(), 2, "{log}");
    for visitor in [&mut returns, &mut visitors[0]] {
        assert_eq!(visitor.session(&other).await["new"], true);
    }
}

/// What a write may take on a busy machine.
const A_WRITE: Duration = Duration::from_secs(12);

/// How long a server is used before it is killed, and how many of its values must have come to the store by then.
const WRITING: Duration = Duration::from_millis(5500);
const WRITTEN: usize = 3;

async fn a_killed_server_loses_no_more_than_the_interval(backend: Backend) {
    let every = Duration::from_secs(1);
    let site = Site::start(backend, &["--write-every", "1s"]).await;
    let (killed, other) = (stranger(&site).await, stranger(&site).await);
    let mut visitor = Visitor::new();
    let mut acknowledged = Vec::new();
    let mut written = BTreeSet::new();
    let began = Instant::now();
    while written.len() < WRITTEN || began.elapsed() < WRITING {
        assert!(began.elapsed() < PATIENCE, "{written:?} of {} writes have come", acknowledged.len());
        visitor.set(&killed, "a", acknowledged.len()).await;
        acknowledged.push(Instant::now());
        written.insert(visitor.attribute(&other, "a").await.unwrap().as_u64().unwrap() as usize);
    }
    killed.kill();
    let died = Instant::now();
    killed.ended().await;
    let found = visitor.attribute(&other, "a").await.unwrap().as_u64().unwrap() as usize;
    assert!(written.last() <= Some(&found), "what the store had is lost: {found} of {written:?}");
    let lost = &acknowledged[found + 1..];
    let longest = lost.first().map_or(Duration::ZERO, |first| died - *first);
    println!("{} of {} writes are lost, the oldest {longest:?} old", lost.len(), acknowledged.len());
    assert!(longest <= every + A_WRITE, "{longest:?}");
    assert_eq!(visitor.names(&other).await, ["a"], "the session is whole");
}

#[tokio::test]
async fn the_metrics_tell_what_is_held_back() {
    let (site, mut visitor) = held(Backend::Memory, &LONG).await;
    let tells = async |name: &str| metrics(site.a()).await[&format!("cloakroom_held_back_{name}")];
    assert_eq!(tells("sessions").await, 1.0);
    assert!((100.0..10_000.0).contains(&tells("bytes").await));
    eventually(async || tells("oldest_seconds").await > 0.0).await;
    visitor.post(site.a(), "/rotate").await.is(204);
    assert_eq!((tells("sessions").await, tells("bytes").await), (0.0, 0.0));
}
