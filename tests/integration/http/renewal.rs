//! `--renew-every`: rotation by age.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;

use crate::support::{Backend, Site, Visitor, for_each_site};

for_each_site!(
    an_old_ticket_is_renewed_by_a_request_that_uses_its_session,
    parallel_requests_with_an_old_ticket_agree_on_the_new_one,
    a_renewal_whose_answer_was_lost_is_given_again,
    a_failed_request_renews_nothing,
    a_request_that_signs_in_or_out_has_one_cookie,
    without_a_session_there_is_nothing_to_renew,
);

const OPTIONS: [&str; 4] = ["--renew-every", "200ms", "--rotation-grace", "10m"];

/// Waits until a ticket that was handed out before is older than that.
async fn grow_old() {
    tokio::time::sleep(Duration::from_millis(250)).await;
}

async fn an_old_ticket_is_renewed_by_a_request_that_uses_its_session(backend: Backend) {
    let site = Site::start(backend, &OPTIONS).await;
    let (mut visitor, old) = Visitor::with_session(site.a()).await;
    let handle = Visitor::holding(&old).handle(site.a()).await;
    let requests: [(http::Method, &str, u16); 4] = [
        (http::Method::GET, "/session", 200),
        (http::Method::GET, "/attributes/first", 200),
        (http::Method::PUT, "/attributes/first", 204),
        (http::Method::POST, "/increment/first", 200),
    ];
    for (method, path, status) in requests {
        grow_old().await;
        visitor.get(site.b(), "/plain").await.is(200).without_cookie();
        let before = visitor.ticket.clone().unwrap();
        let new = visitor.send(site.b(), method, path, "1".to_owned()).await.is(status).ticket();
        assert_eq!(new[..22], before[..22], "load balancers route by this half");
        assert_ne!(new[22..], before[22..]);
        // The ticket before first: on a slow machine the new one may be old by now.
        assert_eq!(Visitor::holding(&before).handle(site.a()).await, handle, "within the grace");
        assert_eq!(visitor.handle(site.a()).await, handle);
    }
    grow_old().await;
    visitor.get(site.a(), "/session").await.is(200).ticket();
    assert_eq!(Visitor::holding(&old).session(site.b()).await["new"], true, "only the one before works");
}

async fn parallel_requests_with_an_old_ticket_agree_on_the_new_one(backend: Backend) {
    let site = Site::start(backend, &OPTIONS).await;
    let (visitor, old) = Visitor::with_session(site.a()).await;
    grow_old().await;
    let requests = (0..12).map(|number| {
        let (mut visitor, server) = (visitor.clone(), site.node(number));
        async move {
            let path = format!("/attributes/n{number}");
            visitor.put(server, &path, "1").await.is(204).set_cookie().map(|cookie| cookie.value)
        }
    });
    let given: BTreeSet<String> = join_all(requests).await.into_iter().flatten().collect();
    assert_eq!(given.len(), 1, "{given:?}");
    for ticket in [&old].into_iter().chain(&given) {
        assert_eq!(Visitor::holding(ticket).names(site.b()).await.len(), 13, "no change was lost");
    }
}

async fn a_renewal_whose_answer_was_lost_is_given_again(backend: Backend) {
    let site = Site::start(backend, &OPTIONS).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    grow_old().await;
    let lost = visitor.clone().get(site.a(), "/session").await.is(200).ticket();
    assert_eq!(visitor.get(site.b(), "/attributes/first").await.is(200).ticket(), lost);
    assert_eq!(visitor.names(site.a()).await, ["first"]);
}

async fn a_failed_request_renews_nothing(backend: Backend) {
    let site = Site::start(backend, &OPTIONS).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    grow_old().await;
    visitor.post(site.a(), "/fail?set=a").await.is(500).without_cookie();
    visitor.get(site.b(), "/session").await.is(200).ticket();
    assert_eq!(visitor.names(site.a()).await, ["first"]);
}

async fn a_request_that_signs_in_or_out_has_one_cookie(backend: Backend) {
    let site = Site::start(backend, &OPTIONS).await;
    let (mut visitor, old) = Visitor::with_session(site.a()).await;
    grow_old().await;
    visitor.login(site.a(), "ada").await.is(204).ticket();
    assert_eq!(Visitor::holding(&old).session(site.b()).await["new"], true, "a sign-in, not a renewal");
    grow_old().await;
    visitor.post(site.b(), "/logout").await.is(204).removes_cookie();
    assert_eq!(visitor.ticket, None);
}

async fn without_a_session_there_is_nothing_to_renew(backend: Backend) {
    let site = Site::start(backend, &OPTIONS).await;
    for mut visitor in [Visitor::new(), Visitor::holding("A".repeat(44))] {
        visitor.get(site.a(), "/session").await.is(200).without_cookie();
    }
}
