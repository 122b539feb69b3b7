use serde_json::json;

use crate::support::{Backend, Site, Visitor, for_each_shared_store, for_one_store};

for_each_shared_store!(sessions_survive_a_restart, a_logout_holds_after_a_restart);

for_one_store!(redis_held_back, RedisHeldBack, sessions_survive_a_restart, a_logout_holds_after_a_restart);

async fn sessions_survive_a_restart(backend: Backend) {
    let mut site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let mut visitor = Visitor::signed_in(site.a(), "ada").await;
    visitor.set(site.a(), "cart", json!(["tea"])).await;
    visitor.post(site.a(), "/interval?ms=86400000").await.is(204);
    let old = visitor.ticket.clone().unwrap();
    visitor.post(site.a(), "/rotate").await.is(204).ticket();
    let mut before = visitor.session(site.a()).await;
    site.restart().await;
    let mut after = visitor.session(site.b()).await;
    for session in [&mut before, &mut after] {
        session["last_accessed_at_ms"].take();
    }
    assert_eq!(after, before);
    assert_eq!(visitor.attribute(site.a(), "cart").await, Some(json!(["tea"])));
    let listed = visitor.get(site.a(), "/principal/sessions").await.is(200).json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(Visitor::holding(old).session(site.a()).await["new"], false, "the grace goes on");
}

#[tokio::test]
async fn sessions_in_memory_do_not_survive_a_restart() {
    let mut site = Site::start(Backend::Memory, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    site.restart().await;
    assert_eq!(visitor.session(site.a()).await["new"], true);
    visitor.put(site.a(), "/attributes/a", "1").await.is(204).ticket();
}

async fn a_logout_holds_after_a_restart(backend: Backend) {
    let mut site = Site::start(backend, &[]).await;
    let (mut visitor, ticket) = Visitor::with_session(site.a()).await;
    visitor.post(site.a(), "/logout").await.is(204);
    site.restart().await;
    assert_eq!(Visitor::holding(ticket).session(site.a()).await["new"], true);
}
