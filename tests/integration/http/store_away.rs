use futures_util::future::join_all;
use http::Method;
use serde_json::json;

use crate::support::{
    Answer, Backend, Outage, Server, Site, Visitor, eventually, for_each_shared_store, for_one_store,
};

for_each_shared_store!(
    a_store_that_fails_is_a_503_and_costs_nobody_the_session,
    without_a_cookie_reading_is_answered_and_creating_is_a_503,
    a_store_that_hangs_is_a_503_before_it_comes_back,
);

for_one_store!(
    redis_held_back,
    RedisHeldBack,
    a_store_that_fails_is_a_503_and_costs_nobody_the_session,
    without_a_cookie_reading_is_answered_and_creating_is_a_503,
    a_store_that_hangs_is_a_503_before_it_comes_back
);

const BOUND: [&str; 2] = ["--store-timeout", "5s"];

/// Requests that use the session.
const USES: [(Method, &str); 9] = [
    (Method::PUT, "/attributes/late"),
    (Method::POST, "/increment/late"),
    (Method::POST, "/push/late"),
    (Method::POST, "/fill?attributes=1&bytes=1"),
    (Method::POST, "/slow?ms=1&set=late"),
    (Method::POST, "/interval?ms=1000"),
    (Method::POST, "/rotate"),
    (Method::POST, "/logout"),
    (Method::POST, "/logout-then-set/late"),
];

async fn used(visitor: &Visitor, server: &Server, method: Method, path: &str) -> Answer {
    visitor.clone().send(server, method, path, "1".to_owned()).await
}

/// Waits until every server has found that the store is back, by itself.
async fn recovered(site: &Site) {
    for server in [site.a(), site.b()] {
        eventually(|| async { Visitor::new().get(server, "/healthz").await.status == 200 }).await;
    }
}

async fn a_store_that_fails_is_a_503_and_costs_nobody_the_session(backend: Backend) {
    let site = Site::start_breakable(backend, &BOUND).await;
    let mut visitor = Visitor::signed_in(site.a(), "ada").await;
    visitor.set(site.a(), "first", 1).await;
    let before = visitor.session(site.a()).await["handle"].take();

    let outage = Outage::begin(&site).await;
    let changes = [(Method::DELETE, "/principal/sessions"), (Method::POST, "/logout-and-fail")];
    let changes = USES.into_iter().chain(changes);
    for answer in join_all(changes.map(|(method, path)| used(&visitor, site.a(), method, path))).await {
        answer.is(503).without_cookie();
    }
    let reads = ["/session", "/attributes/first", "/principal/sessions", "/stream", "/healthz"];
    for answer in join_all(reads.map(async |path| visitor.clone().get(site.b(), path).await)).await {
        answer.is(503).without_cookie();
    }
    visitor.login(site.a(), "bob").await.is(503).without_cookie();
    visitor.get(site.a(), "/plain").await.is(200);
    outage.end().await;

    recovered(&site).await;
    for server in [site.a(), site.b()] {
        let seen = visitor.session(server).await;
        assert_eq!((&seen["handle"], &seen["principal"]), (&before, &json!("ada")));
        assert_eq!(seen["names"], json!(["first"]), "nothing of the failed requests came through");
    }
    visitor.post(site.b(), "/logout").await.is(204).removes_cookie();
}

async fn without_a_cookie_reading_is_answered_and_creating_is_a_503(backend: Backend) {
    let site = Site::start_breakable(backend, &BOUND).await;
    let outage = Outage::begin(&site).await;
    let mut visitor = Visitor::new();
    assert_eq!(visitor.session(site.a()).await["new"], true);
    visitor.get(site.a(), "/attributes/a").await.is(404);
    visitor.post(site.a(), "/logout").await.is(204).without_cookie();
    visitor.put(site.a(), "/attributes/a", "1").await.is(503).without_cookie();
    visitor.post(site.a(), "/increment/a").await.is(503).without_cookie();
    visitor.login(site.a(), "ada").await.is(503).without_cookie();
    outage.end().await;
    recovered(&site).await;
    visitor.put(site.a(), "/attributes/a", "1").await.is(204).ticket();
    assert_eq!(visitor.names(site.b()).await, ["a"]);
}

/// The answers come while the store still hangs: nobody waits for it beyond the store timeout.
///
/// What hangs is a load, so that there is nothing that could come through late.
async fn a_store_that_hangs_is_a_503_before_it_comes_back(backend: Backend) {
    let site = Site::start_breakable(backend, &BOUND).await;
    let (mut visitor, ticket) = Visitor::with_session(site.a()).await;
    let outage = Outage::hang(&site).await;
    let answers = USES.map(|(method, path)| used(&visitor, site.a(), method, path));
    for answer in join_all(answers).await {
        answer.is(503).without_cookie();
    }
    Visitor::new().put(site.b(), "/attributes/a", "1").await.is(503).without_cookie();
    visitor.get(site.a(), "/plain").await.is(200);
    outage.end().await;
    recovered(&site).await;
    assert_eq!(visitor.names(site.b()).await, ["first"]);
    assert_eq!(visitor.ticket, Some(ticket), "a logout that the store did not acknowledge keeps the cookie");
    visitor.post(site.a(), "/logout").await.is(204).removes_cookie();
}
