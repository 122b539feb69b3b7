use serde_json::{Value, json};

use crate::support::{Backend, Held, Site, Visitor, for_each_site};

for_each_site!(
    after_a_logout_nothing_opens_the_session,
    without_a_session_there_is_nothing_to_end,
    what_is_set_after_a_logout_goes_to_a_new_session,
    a_logout_then_set_without_a_session_makes_one,
    a_slow_request_brings_nothing_back,
);

async fn after_a_logout_nothing_opens_the_session(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, ticket) = Visitor::with_session(site.a()).await;
    visitor.post(site.a(), "/logout").await.is(204).removes_cookie();
    for server in [site.a(), site.b()] {
        let mut thief = Visitor::holding(&ticket);
        let seen = thief.session(server).await;
        assert_eq!((&seen["new"], &seen["handle"]), (&json!(true), &Value::Null));
        thief.get(server, "/attributes/first").await.is(404);
        thief.post(server, "/rotate").await.is(204).without_cookie();
        thief.post(server, "/logout").await.is(204).without_cookie();
        let other = thief.put(server, "/attributes/a", "1").await.is(204).ticket();
        assert_ne!(other[..22], ticket[..22]);
    }
}

async fn without_a_session_there_is_nothing_to_end(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    Visitor::new().post(site.a(), "/logout").await.is(204).without_cookie();
}

async fn what_is_set_after_a_logout_goes_to_a_new_session(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::signed_in(site.a(), "ada").await;
    visitor.set(site.a(), "secret", 1).await;
    let (old, old_handle) = (visitor.ticket.clone().unwrap(), visitor.handle(site.a()).await);
    let new = visitor.post(site.b(), "/logout-then-set/again").await.is(204).ticket();
    assert_ne!(new[..22], old[..22]);
    let seen = visitor.session(site.a()).await;
    assert_ne!(seen["handle"], old_handle);
    assert_eq!((&seen["names"], &seen["principal"]), (&json!(["again"]), &Value::Null));
    assert_eq!(visitor.attribute(site.a(), "again").await, Some(json!(true)));
    assert_eq!(Visitor::holding(old).session(site.a()).await["new"], true);
}

async fn a_logout_then_set_without_a_session_makes_one(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    visitor.post(site.a(), "/logout-then-set/a").await.is(204).ticket();
    assert_eq!(visitor.names(site.b()).await, ["a"]);
}

async fn a_slow_request_brings_nothing_back(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut leaving, ticket) = Visitor::with_session(site.a()).await;
    let late = Held::begin(site.a(), &ticket, "late").await;
    leaving.post(site.b(), "/logout").await.is(204).removes_cookie();
    late.finish().await.is(204).without_cookie();
    for server in [site.a(), site.b()] {
        assert_eq!(Visitor::holding(&ticket).session(server).await["new"], true);
    }
}
