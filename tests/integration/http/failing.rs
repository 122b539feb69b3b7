use serde_json::json;

use crate::support::{Backend, Site, Visitor, for_each_site};

for_each_site!(
    a_failed_request_changes_nothing,
    a_failed_request_makes_no_session,
    a_logout_is_done_though_its_request_fails,
    a_panic_changes_nothing_and_the_server_lives_on,
);

async fn a_failed_request_changes_nothing(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    visitor.post(site.a(), "/fail?set=failed").await.is(500).without_cookie();
    visitor.post(site.a(), "/fail?set=first").await.is(500).without_cookie();
    assert_eq!(visitor.names(site.b()).await, ["first"]);
    assert_eq!(visitor.attribute(site.b(), "first").await, Some(json!(1)));
}

async fn a_failed_request_makes_no_session(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    Visitor::new().post(site.a(), "/fail?set=failed").await.is(500).without_cookie();
}

async fn a_logout_is_done_though_its_request_fails(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, ticket) = Visitor::with_session(site.a()).await;
    visitor.post(site.a(), "/logout-and-fail").await.is(500).removes_cookie();
    assert_eq!(Visitor::holding(ticket).session(site.b()).await["new"], true);
    visitor.post(site.a(), "/logout-and-fail").await.is(500).without_cookie();
}

async fn a_panic_changes_nothing_and_the_server_lives_on(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    for _ in 0..3 {
        for mut who in [visitor.clone(), Visitor::new()] {
            let panicked =
                who.try_send(site.a(), http::Method::POST, "/panic?set=panicked", String::new()).await;
            if let Ok(answer) = panicked {
                answer.is(500).without_cookie();
            }
        }
    }
    visitor.get(site.a(), "/plain").await.is(200);
    assert_eq!(visitor.names(site.a()).await, ["first"]);
    assert_eq!(visitor.names(site.b()).await, ["first"]);
    visitor.put(site.a(), "/attributes/second", "2").await.is(204);
}
