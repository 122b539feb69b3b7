use serde_json::{Value, json};

use crate::support::{Backend, Server, Site, Visitor, eventually, for_each_site};

for_each_site!(
    a_sign_in_keeps_the_session_under_a_new_ticket,
    a_sign_in_makes_a_session,
    the_ticket_from_before_opens_nothing,
    the_ticket_from_before_changes_nothing,
    the_ticket_from_before_gets_a_new_session_after_the_grace,
    signing_in_again_replaces_the_ticket_again,
    a_ticket_from_before_a_rotation_ends_with_the_sign_in,
    a_sign_in_with_the_ticket_before_a_rotation_ends_both,
    a_sign_in_as_someone_else_rebinds,
);

async fn a_sign_in_keeps_the_session_under_a_new_ticket(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, old) = Visitor::with_session(site.a()).await;
    let before = visitor.session(site.a()).await;
    let new = visitor.login(site.a(), "ada").await.is(204).ticket();
    assert_eq!(new[..22], old[..22]);
    assert_ne!(new, old);
    let after = visitor.session(site.b()).await;
    assert_eq!((&after["handle"], &after["names"]), (&before["handle"], &before["names"]));
    assert_eq!((&before["principal"], &after["principal"]), (&Value::Null, &json!("ada")));
}

async fn a_sign_in_makes_a_session(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    visitor.login(site.a(), "ada@example.com é").await.is(204).ticket();
    assert_eq!(visitor.session(site.b()).await["principal"], "ada@example.com é");
}

/// A visitor with a session who has signed in, and the ticket from before.
async fn signed_in_with_the_ticket_before(server: &Server) -> (Visitor, String) {
    let (mut visitor, old) = Visitor::with_session(server).await;
    visitor.login(server, "ada").await.is(204).ticket();
    (visitor, old)
}

async fn the_ticket_from_before_opens_nothing(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let (_, old) = signed_in_with_the_ticket_before(site.a()).await;
    for server in [site.a(), site.b()] {
        let mut late = Visitor::holding(&old);
        let seen = late.get(server, "/session").await.is(200).without_cookie().json();
        assert_eq!(seen["new"], true);
        assert_eq!((&seen["handle"], &seen["principal"]), (&Value::Null, &Value::Null));
        assert_eq!(seen["names"], json!([]));
        late.get(server, "/attributes/first").await.is(404).without_cookie();
        late.get(server, "/principal/sessions").await.is(401).without_cookie();
        late.delete(server, "/principal/sessions").await.is(401).without_cookie();
    }
}

async fn the_ticket_from_before_changes_nothing(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let (mut visitor, old) = signed_in_with_the_ticket_before(site.a()).await;
    let mut late = Visitor::holding(&old);
    for server in [site.a(), site.b()] {
        late.put(server, "/attributes/late", "1").await.is(204).without_cookie();
        late.put(server, "/attributes/first", "2").await.is(204).without_cookie();
        late.delete(server, "/attributes/first").await.is(204).without_cookie();
        late.post_json(server, "/push/late", "1").await.is(204).without_cookie();
        late.post(server, "/slow?ms=1&set=late").await.is(204).without_cookie();
        late.post(server, "/interval?ms=1").await.is(204).without_cookie();
        late.post(server, "/rotate").await.is(204).without_cookie();
        late.post(server, "/logout").await.is(204).without_cookie();
        late.post(server, "/logout-then-set/late").await.is(204).without_cookie();
        late.post(server, "/logout-and-fail").await.is(500).without_cookie();
        late.post(server, "/increment/first").await.without_cookie();
    }
    let seen = visitor.session(site.b()).await;
    assert_eq!((&seen["names"], &seen["principal"]), (&json!(["first"]), &json!("ada")));
    assert_eq!(seen["max_inactive_interval_ms"], 1_800_000);
    assert_eq!(visitor.attribute(site.b(), "first").await, Some(json!(1)));
    visitor.get(site.a(), "/session").await.is(200).without_cookie();
}

async fn the_ticket_from_before_gets_a_new_session_after_the_grace(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "200ms"]).await;
    let (mut visitor, old) = signed_in_with_the_ticket_before(site.a()).await;
    let created = || async {
        let mut late = Visitor::holding(&old);
        let answer = late.put(site.b(), "/attributes/late", "1").await.is(204);
        answer.set_cookie().is_some_and(|cookie| cookie.value[..22] != old[..22])
    };
    eventually(created).await;
    assert_eq!(visitor.names(site.a()).await, ["first"]);
}

async fn signing_in_again_replaces_the_ticket_again(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let (mut visitor, first) = signed_in_with_the_ticket_before(site.a()).await;
    let second = visitor.ticket.clone().unwrap();
    let third = visitor.login(site.b(), "ada").await.is(204).ticket();
    assert!(third != second && third[..22] == second[..22]);
    for old in [first, second] {
        assert_eq!(Visitor::holding(old).session(site.a()).await["new"], true);
    }
    let listed = visitor.get(site.a(), "/principal/sessions").await.is(200).json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
}

async fn a_ticket_from_before_a_rotation_ends_with_the_sign_in(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let (mut visitor, first) = Visitor::with_session(site.a()).await;
    let second = visitor.post(site.a(), "/rotate").await.is(204).ticket();
    visitor.login(site.a(), "ada").await.is(204).ticket();
    for old in [first, second] {
        assert_eq!(Visitor::holding(old).session(site.b()).await["new"], true);
    }
}

/// The answer to the rotation was lost, so that the browser may hold either ticket.
async fn a_sign_in_with_the_ticket_before_a_rotation_ends_both(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let (mut visitor, first) = Visitor::with_session(site.a()).await;
    let second = visitor.clone().post(site.a(), "/rotate").await.is(204).ticket();
    visitor.login(site.b(), "ada").await.is(204).ticket();
    for old in [first, second] {
        let mut late = Visitor::holding(old);
        assert_eq!(late.get(site.b(), "/session").await.is(200).without_cookie().json()["new"], true);
        late.put(site.b(), "/attributes/late", "1").await.is(204).without_cookie();
    }
    let seen = visitor.session(site.a()).await;
    assert_eq!((&seen["names"], &seen["principal"]), (&json!(["first"]), &json!("ada")));
}

async fn a_sign_in_as_someone_else_rebinds(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut watcher = Visitor::signed_in(site.a(), "ada").await;
    let mut visitor = Visitor::signed_in(site.a(), "ada").await;
    visitor.login(site.b(), "bob").await.is(204).ticket();
    assert_eq!(visitor.session(site.a()).await["principal"], "bob");
    let ada = watcher.get(site.b(), "/principal/sessions").await.is(200).json();
    assert_eq!(ada.as_array().unwrap().len(), 1, "{ada}");
    let bob = visitor.get(site.b(), "/principal/sessions").await.is(200).json();
    assert_eq!(bob.as_array().unwrap().len(), 1, "{bob}");
    let ended = watcher.delete(site.a(), "/principal/sessions").await.is(200).json();
    assert_eq!(ended, json!({ "invalidated": 1 }));
    assert_eq!(visitor.session(site.b()).await["principal"], "bob");
}
