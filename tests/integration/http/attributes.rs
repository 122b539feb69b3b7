use serde_json::{Value, json};

use crate::support::{Backend, Site, Visitor, for_each_site};

for_each_site!(
    one_is_set_read_and_removed,
    every_json_value_comes_back_as_it_was,
    names_are_any_text_without_control_characters,
    several_are_set_in_one_request,
    removing_what_is_absent_makes_no_session,
    an_integer_is_incremented_from_nothing,
    a_list_is_changed_in_place,
    many_are_filled_in,
);

async fn one_is_set_read_and_removed(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    visitor.put(site.a(), "/attributes/cart", r#"{"items": 2}"#).await.is(204).ticket();
    let read = visitor.get(site.b(), "/attributes/cart").await.is(200).without_cookie();
    assert_eq!(read.json(), json!({"items": 2}));
    visitor.put(site.b(), "/attributes/cart", "7").await.is(204).without_cookie();
    assert_eq!(visitor.attribute(site.a(), "cart").await, Some(json!(7)));
    visitor.delete(site.a(), "/attributes/cart").await.is(204).without_cookie();
    visitor.get(site.b(), "/attributes/cart").await.is(404).without_cookie();
    assert_eq!(visitor.names(site.b()).await, [""; 0], "the session itself lives on");
}

async fn every_json_value_comes_back_as_it_was(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    let values = [
        json!(null),
        json!(false),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1.5),
        json!(1e300),
        json!(""),
        json!("naïve 🦀 \u{0} \" \\"),
        json!([]),
        json!([1, [2, {"three": null}]]),
        json!({}),
        json!({"a b": {"": [true]}}),
    ];
    for value in values {
        visitor.set(site.a(), "it", value.clone()).await;
        assert_eq!(visitor.attribute(site.b(), "it").await, Some(value));
    }
}

async fn names_are_any_text_without_control_characters(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    let longest = "x".repeat(256);
    let names = ["a", "A", "a%20", "a%2Fb", "%C3%A9", "a%3Ab", "%25", "%F0%9F%A6%80", longest.as_str()];
    for (number, name) in names.into_iter().enumerate() {
        visitor.set(site.a(), name, number).await;
    }
    for (number, name) in names.into_iter().enumerate() {
        assert_eq!(visitor.attribute(site.b(), name).await, Some(json!(number)), "{name}");
    }
    let mut expected = ["a", "A", "a ", "a/b", "é", "a:b", "%", "🦀", longest.as_str()];
    expected.sort_unstable();
    assert_eq!(visitor.names(site.b()).await, expected);
    for name in ["a%0Ab", "%00", "%C2%85"] {
        let path = format!("/attributes/{name}");
        visitor.put(site.a(), &path, "1").await.is(400);
        visitor.get(site.a(), &path).await.is(404);
        visitor.delete(site.a(), &path).await.is(204);
    }
    assert_eq!(visitor.names(site.a()).await, expected);
}

async fn several_are_set_in_one_request(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    visitor.post_json(site.a(), "/attributes", "{}").await.is(204).without_cookie();
    visitor.post_json(site.a(), "/attributes", r#"{"a": 1, "b": [2]}"#).await.is(204).ticket();
    visitor.post_json(site.b(), "/attributes", r#"{"b": 3, "c": 4}"#).await.is(204).without_cookie();
    assert_eq!(visitor.names(site.a()).await, ["a", "b", "c"]);
    assert_eq!(visitor.attribute(site.a(), "b").await, Some(json!(3)));
}

async fn removing_what_is_absent_makes_no_session(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    visitor.delete(site.a(), "/attributes/nothing").await.is(204).without_cookie();
    let (mut visitor, _) = {
        assert_eq!(visitor.session(site.a()).await["handle"], Value::Null);
        Visitor::with_session(site.a()).await
    };
    visitor.delete(site.b(), "/attributes/nothing").await.is(204).without_cookie();
    assert_eq!(visitor.names(site.a()).await, ["first"]);
}

async fn an_integer_is_incremented_from_nothing(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    let first = visitor.post(site.a(), "/increment/visits").await.is(200);
    assert_eq!(first.json(), json!(1));
    first.ticket();
    let second = visitor.post(site.b(), "/increment/visits").await.is(200).without_cookie();
    assert_eq!(second.json(), json!(2));
    assert_eq!(visitor.attribute(site.a(), "visits").await, Some(json!(2)));
    visitor.set(site.a(), "visits", i64::MAX).await;
    let status = visitor.post(site.a(), "/increment/visits").await.status;
    assert!((400..500).contains(&status), "{status}");
    assert_eq!(visitor.attribute(site.b(), "visits").await, Some(json!(i64::MAX)));
}

async fn a_list_is_changed_in_place(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    visitor.post_json(site.a(), "/push/list", r#""tea""#).await.is(204).ticket();
    visitor.post_json(site.b(), "/push/list", r#"{"n": 1}"#).await.is(204).without_cookie();
    visitor.post_json(site.a(), "/push/list", "null").await.is(204).without_cookie();
    assert_eq!(visitor.attribute(site.b(), "list").await, Some(json!(["tea", {"n": 1}, null])));
}

async fn many_are_filled_in(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    visitor.post(site.a(), "/fill?attributes=3&bytes=5").await.is(204).ticket();
    assert_eq!(visitor.names(site.b()).await, ["a0000", "a0001", "a0002"]);
    assert_eq!(visitor.attribute(site.b(), "a0002").await.unwrap().as_str().unwrap().len(), 5);
}
