use serde_json::{Value, json};

use crate::support::{Backend, Site, Visitor, for_each_site};

for_each_site!(reading_makes_no_session, a_session_tells_all_of_itself, the_store_is_well);

async fn reading_makes_no_session(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    let answer = visitor.get(site.a(), "/session").await.is(200).without_cookie();
    let expected = json!({
        "new": true, "handle": null, "names": [], "principal": null,
        "max_inactive_interval_ms": 1_800_000, "created_at_ms": null, "last_accessed_at_ms": null,
    });
    assert_eq!(answer.json(), expected);
    visitor.get(site.a(), "/attributes/a").await.is(404).without_cookie();
}

async fn a_session_tells_all_of_itself(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let mut visitor = Visitor::new();
    for name in ["b", "a", "c"] {
        visitor.set(site.a(), name, 1).await;
    }
    visitor.login(site.a(), "ada").await.is(204);
    let seen = visitor.session(site.b()).await;
    assert_eq!(seen.as_object().unwrap().len(), 7, "{seen}");
    assert_eq!(seen["new"], false);
    assert_eq!(seen["names"], json!(["a", "b", "c"]));
    assert_eq!(seen["principal"], "ada");
    assert_eq!(seen["max_inactive_interval_ms"], 1_800_000);
    let handle = seen["handle"].as_str().unwrap();
    assert_eq!(handle.len(), 36, "a UUID");
    assert!(seen["created_at_ms"].as_u64() <= seen["last_accessed_at_ms"].as_u64(), "{seen}");
    assert!(seen["created_at_ms"].as_u64() > Some(1_700_000_000_000), "{seen}");
    assert_ne!(seen["last_accessed_at_ms"], Value::Null);
}

async fn the_store_is_well(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    Visitor::new().get(site.a(), "/healthz").await.is(200).without_cookie();
    Visitor::new().get(site.b(), "/healthz").await.is(200).without_cookie();
}
