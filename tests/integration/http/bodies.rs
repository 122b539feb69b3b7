use serde_json::json;

use crate::support::{Backend, Server, Site, Visitor, for_each_site};

for_each_site!(
    a_put_takes_json_only,
    the_other_routes_refuse_bad_bodies,
    an_attribute_of_the_wrong_type_is_left_alone,
    an_interval_out_of_range_is_refused,
    a_bad_name_among_several_changes_nothing,
);

async fn a_put_takes_json_only(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    let deep = "[".repeat(100_000);
    for body in ["", "tea", "{", "[1,]", "1 2", "nan", "'a'", deep.as_str()] {
        visitor.put(site.a(), "/attributes/a", body).await.is(400).without_cookie();
    }
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    visitor.put(site.a(), "/attributes/first", "{").await.is(400).without_cookie();
    assert_eq!(visitor.attribute(site.a(), "first").await, Some(json!(1)));
}

async fn the_other_routes_refuse_bad_bodies(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    let bad = [
        ("/attributes", "[]"),
        ("/attributes", "1"),
        ("/attributes", "{"),
        ("/attributes", ""),
        ("/push/list", ""),
        ("/push/list", "{"),
        ("/login", ""),
        ("/login", "{}"),
        ("/login", r#"{"principal": 1}"#),
        ("/login", r#"{"principal": ""}"#),
        ("/login", r#"{"principal": "a\nb"}"#),
        ("/login", r#""ada""#),
    ];
    for (path, body) in bad {
        refused(&mut visitor, site.a(), path, body).await;
    }
    let long = json!({ "principal": "x".repeat(257) }).to_string();
    refused(&mut visitor, site.a(), "/login", &long).await;
    for path in ["/slow", "/slow?ms=x&set=a", "/fill", "/fill?attributes=-1&bytes=1", "/fail", "/interval"] {
        refused(&mut visitor, site.a(), path, "").await;
    }
}

async fn refused(visitor: &mut Visitor, server: &Server, path: &str, body: &str) {
    let answer = visitor.post_json(server, path, body).await.without_cookie();
    assert!(matches!(answer.status, 400 | 422), "{path} {body}: {answer:?}");
}

async fn an_attribute_of_the_wrong_type_is_left_alone(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    for value in [json!("text"), json!(1.5), json!(null), json!({"a": 1}), json!(u64::MAX), json!(true)] {
        visitor.set(site.a(), "it", value.clone()).await;
        for (path, body) in [("/increment/it", ""), ("/push/it", "1")] {
            let answer = visitor.post_json(site.b(), path, body).await.without_cookie();
            assert!((400..500).contains(&answer.status), "{path} {value}: {answer:?}");
            assert_eq!(visitor.attribute(site.a(), "it").await.as_ref(), Some(&value));
        }
    }
    visitor.set(site.a(), "it", json!([1])).await;
    assert!((400..500).contains(&visitor.post(site.b(), "/increment/it").await.status));
    assert_eq!(visitor.attribute(site.a(), "first").await, Some(json!(1)), "harms no other");
}

async fn an_interval_out_of_range_is_refused(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let over = 400 * 24 * 60 * 60 * 1000_u64 + 1;
    for ms in ["0", "-1", "x", "", &over.to_string(), &u64::MAX.to_string(), "18446744073709551616"] {
        visitor.post(site.a(), &format!("/interval?ms={ms}")).await.is(400).without_cookie();
    }
    assert_eq!(visitor.session(site.b()).await["max_inactive_interval_ms"], 30 * 60 * 1000);
    visitor.post(site.a(), &format!("/interval?ms={}", over - 1)).await.is(204);
    assert_eq!(visitor.session(site.b()).await["max_inactive_interval_ms"], over - 1);
}

async fn a_bad_name_among_several_changes_nothing(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    for bad in ["", "a\nb"] {
        let body = json!({ "early": 1, bad: 2, "zulu": 3 });
        visitor.post_json(site.a(), "/attributes", body).await.is(400).without_cookie();
        assert_eq!(visitor.names(site.b()).await, ["first"]);
    }
}
