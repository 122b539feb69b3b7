use serde_json::json;

use crate::support::{Backend, Site, Visitor, for_each_site};

for_each_site!(
    an_attribute_has_a_limit,
    a_session_has_a_limit,
    the_number_of_attributes_has_a_limit,
    a_name_has_a_limit,
    nothing_of_a_request_over_a_limit_is_stored,
    what_is_over_a_limit_makes_no_session,
    a_list_that_grows_past_the_limit_is_as_before,
);

/// The longest text that fits an attribute: its encoding has a head of five bytes.
const LONGEST: usize = (256 << 10) - 5;

fn text(length: usize) -> String {
    "x".repeat(length)
}

async fn an_attribute_has_a_limit(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    visitor.put(site.a(), "/attributes/large", json!(text(LONGEST))).await.is(204);
    visitor.put(site.a(), "/attributes/large", json!(text(LONGEST + 1))).await.is(413).without_cookie();
    visitor.put(site.a(), "/attributes/other", json!(text(LONGEST + 1))).await.is(413).without_cookie();
    assert_eq!(visitor.attribute(site.b(), "large").await, Some(json!(text(LONGEST))));
    assert_eq!(visitor.names(site.b()).await, ["first", "large"]);
}

async fn a_session_has_a_limit(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    visitor.post(site.a(), "/fill?attributes=4&bytes=200000").await.is(204).ticket();
    visitor.put(site.b(), "/attributes/more", json!(text(250_000))).await.is(413).without_cookie();
    visitor.put(site.b(), "/attributes/more", json!(text(240_000))).await.is(204);
    visitor.put(site.a(), "/attributes/still", json!(text(20_000))).await.is(413);
    visitor.put(site.a(), "/attributes/a0000", "0").await.is(204);
    visitor.put(site.a(), "/attributes/still", json!(text(20_000))).await.is(204);
    assert_eq!(visitor.names(site.b()).await, ["a0000", "a0001", "a0002", "a0003", "more", "still"]);
}

async fn the_number_of_attributes_has_a_limit(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    visitor.post(site.a(), "/fill?attributes=1025&bytes=1").await.is(413).without_cookie();
    visitor.post(site.a(), "/fill?attributes=1024&bytes=1").await.is(204).ticket();
    visitor.put(site.b(), "/attributes/more", "1").await.is(413).without_cookie();
    visitor.put(site.b(), "/attributes/a0000", "1").await.is(204);
    visitor.delete(site.b(), "/attributes/a0000").await.is(204);
    visitor.put(site.b(), "/attributes/more", "1").await.is(204);
    assert_eq!(visitor.names(site.a()).await.len(), 1024);
}

async fn a_name_has_a_limit(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let long = text(257);
    visitor.put(site.a(), &format!("/attributes/{long}"), "1").await.is(413).without_cookie();
    visitor.post_json(site.a(), "/attributes", json!({ "a": 1, long: 2 })).await.is(413).without_cookie();
    let accents = "%C3%A9".repeat(129);
    visitor.put(site.a(), &format!("/attributes/{accents}"), "1").await.is(413);
    visitor.put(site.a(), &format!("/attributes/{}", &accents[6..]), "1").await.is(204);
    assert_eq!(visitor.names(site.b()).await, ["first".to_owned(), "é".repeat(128)]);
}

async fn nothing_of_a_request_over_a_limit_is_stored(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let body = json!({ "a": 1, "first": 2, "m": text(LONGEST + 1), "z": 3 });
    visitor.post_json(site.a(), "/attributes", body).await.is(413).without_cookie();
    let body: serde_json::Map<_, _> = (0..5)
        .map(|number| (format!("m{number}"), json!(text(220_000))))
        .chain([("a".to_owned(), json!(1))])
        .collect();
    visitor
        .post_json(site.a(), "/attributes", serde_json::Value::Object(body))
        .await
        .is(413)
        .without_cookie();
    visitor.post(site.a(), "/fill?attributes=1024&bytes=1").await.is(413);
    assert_eq!(visitor.names(site.b()).await, ["first"]);
    assert_eq!(visitor.attribute(site.b(), "first").await, Some(json!(1)));
}

async fn what_is_over_a_limit_makes_no_session(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    let body = json!({ "a": 1, "m": text(LONGEST + 1) });
    visitor.post_json(site.a(), "/attributes", body).await.is(413).without_cookie();
    visitor.post(site.a(), "/fill?attributes=6&bytes=200000").await.is(413).without_cookie();
    assert_eq!(visitor.ticket, None);
}

async fn a_list_that_grows_past_the_limit_is_as_before(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    let half = json!(text(LONGEST / 2));
    visitor.post_json(site.a(), "/push/list", &half).await.is(204).ticket();
    visitor.post_json(site.b(), "/push/list", json!(text(LONGEST))).await.is(413).without_cookie();
    assert_eq!(visitor.attribute(site.b(), "list").await, Some(json!([half])));
}
