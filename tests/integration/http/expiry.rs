use serde_json::Value;

use crate::support::{Backend, Held, Server, Site, Visitor, eventually, for_each_site};

for_each_site!(
    a_session_that_is_not_used_ends,
    a_session_ends_by_its_own_interval,
    use_does_not_outlive_the_max_lifetime,
    what_expired_is_not_listed_and_never_comes_back,
    what_expired_ends_without_being_asked_for,
);

/// Looks from another session of the same principal, which is no access to the one that is looked at.
async fn is_listed(watcher: &Visitor, server: &Server, handle: &str) -> bool {
    let mut watcher = watcher.clone();
    let list = watcher.get(server, "/principal/sessions").await.is(200).json();
    list.as_array().unwrap().iter().any(|session| session["handle"] == handle)
}

async fn until_expired(watcher: &Visitor, server: &Server, handle: &str) {
    eventually(|| async { !is_listed(watcher, server, handle).await }).await;
}

async fn a_session_that_is_not_used_ends(backend: Backend) {
    let site = Site::start(backend, &["--max-inactive-interval", "6s"]).await;
    let mut watcher = Visitor::signed_in(site.a(), "ada").await;
    watcher.post(site.a(), "/interval?ms=600000").await.is(204);
    let mut visitor = Visitor::signed_in(site.a(), "ada").await;
    let handle = visitor.handle(site.a()).await;
    assert!(is_listed(&watcher, site.b(), &handle).await);
    until_expired(&watcher, site.b(), &handle).await;
    let seen = visitor.session(site.b()).await;
    assert_eq!((&seen["new"], &seen["handle"]), (&Value::Bool(true), &Value::Null));
    assert_eq!(visitor.clone().session(site.a()).await["principal"], Value::Null);
}

async fn a_session_ends_by_its_own_interval(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let watcher = Visitor::signed_in(site.a(), "ada").await;
    let mut visitor = Visitor::signed_in(site.a(), "ada").await;
    let handle = visitor.handle(site.a()).await;
    visitor.post(site.a(), "/interval?ms=300").await.is(204).without_cookie();
    until_expired(&watcher, site.b(), &handle).await;
    visitor.get(site.b(), "/attributes/first").await.is(404).without_cookie();
    assert_eq!(visitor.session(site.b()).await["max_inactive_interval_ms"], 30 * 60 * 1000);
}

async fn use_does_not_outlive_the_max_lifetime(backend: Backend) {
    let site = Site::start(backend, &["--max-lifetime", "1s", "--touch-every", "0s"]).await;
    let (visitor, _) = Visitor::with_session(site.a()).await;
    eventually(|| async { visitor.clone().session(site.b()).await["new"] == true }).await;
    visitor.clone().get(site.a(), "/attributes/first").await.is(404);
}

async fn what_expired_is_not_listed_and_never_comes_back(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let watcher = Visitor::signed_in(site.a(), "ada").await;
    let mut visitor = Visitor::signed_in(site.a(), "ada").await;
    let (handle, ticket) = (visitor.handle(site.a()).await, visitor.ticket.clone().unwrap());
    visitor.post(site.a(), "/interval?ms=5000").await.is(204);
    let late = Held::begin(site.a(), &ticket, "late").await;
    until_expired(&watcher, site.b(), &handle).await;
    let new_ticket = Visitor::holding(&ticket).put(site.b(), "/attributes/again", "1").await.is(204).ticket();
    late.finish().await.is(204).without_cookie();
    assert_ne!(new_ticket[..22], ticket[..22]);
    assert_eq!(Visitor::holding(new_ticket).names(site.a()).await, ["again"]);
    assert_eq!(Visitor::holding(&ticket).session(site.a()).await["new"], true);
    assert!(!is_listed(&watcher, site.a(), &handle).await);
}

/// What a sweeper removes is as gone as before, and what it must leave is left.
async fn what_expired_ends_without_being_asked_for(backend: Backend) {
    let site = Site::start(backend, &["--sweep-every", "20ms"]).await;
    let mut watcher = Visitor::signed_in(site.a(), "ada").await;
    for _ in 0..3 {
        let mut visitor = Visitor::signed_in(site.a(), "ada").await;
        let handle = visitor.handle(site.a()).await;
        visitor.post(site.a(), "/interval?ms=100").await.is(204);
        until_expired(&watcher, site.b(), &handle).await;
        assert_eq!(visitor.session(site.b()).await["new"], true);
    }
    let log = || async { site.nodes().iter().any(|node| node.log().contains("expired sessions removed")) };
    eventually(log).await;
    assert_eq!(watcher.session(site.b()).await["principal"], "ada");
}
