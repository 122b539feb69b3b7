use crate::support::{Answer, Backend, Site, Visitor, for_each_site};

for_each_site!(answers_that_used_the_session_are_private, a_route_that_does_not_is_left_alone);

fn caching(answer: &Answer) -> (&str, &str) {
    (answer.header("vary"), answer.header("cache-control"))
}

async fn answers_that_used_the_session_are_private(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let private = ("Cookie", "private, no-cache");
    let no_store = ("Cookie", "no-store");
    let mut visitor = Visitor::new();
    assert_eq!(caching(&visitor.get(site.a(), "/session").await), private, "without a session too");
    assert_eq!(caching(&visitor.put(site.a(), "/attributes/a", "1").await), no_store);
    assert_eq!(caching(&visitor.put(site.a(), "/attributes/a", "2").await), private);
    assert_eq!(caching(&visitor.get(site.a(), "/attributes/a").await), private);
    assert_eq!(caching(&visitor.get(site.a(), "/attributes/b").await.is(404)), private);
    assert_eq!(caching(&visitor.put(site.a(), "/attributes/a", "{").await.is(400)), private);
    assert_eq!(caching(&visitor.post(site.a(), "/fail?set=b").await.is(500)), private);
    assert_eq!(caching(&visitor.post(site.a(), "/rotate").await), no_store);
    assert_eq!(caching(&visitor.login(site.a(), "ada").await), no_store);
    assert_eq!(caching(&visitor.get(site.a(), "/stream").await), private);
    assert_eq!(caching(&visitor.post(site.a(), "/logout").await), no_store);
}

async fn a_route_that_does_not_is_left_alone(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let answer = visitor.get(site.a(), "/plain").await.is(200).without_cookie();
    assert_eq!(answer.body, "ok");
    assert_eq!(caching(&answer), ("", ""));
}
