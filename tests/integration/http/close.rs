use super::metrics::metrics;
use crate::support::{Backend, Raw, Server, Site, Visitor, eventually, for_each_site};

for_each_site!(
    a_client_that_goes_away_commits_nothing,
    a_client_that_goes_away_in_its_body_commits_nothing,
    a_logout_whose_client_goes_away_is_whole,
);

/// A second slow request that stays, and begins after the first, tells when that would have ended.
async fn a_client_that_goes_away_commits_nothing(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, ticket) = Visitor::with_session(site.a()).await;
    let cookie = format!("__Host-id={ticket}");
    let before = loads(site.a()).await;
    let leaving = Raw::begin(site.a(), "POST", "/slow?ms=5000&set=left", &[cookie.as_bytes()]).await;
    eventually(|| async { loads(site.a()).await > before }).await;
    drop(leaving);
    visitor.post(site.a(), "/slow?ms=6000&set=stayed").await.is(204);
    assert_eq!(visitor.names(site.b()).await, ["first", "stayed"]);
}

/// Returns how many requests have loaded a session.
async fn loads(server: &Server) -> f64 {
    metrics(server).await.get("cloakroom_loads_total{result=\"open\"}").copied().unwrap_or_default()
}

async fn a_client_that_goes_away_in_its_body_commits_nothing(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, ticket) = Visitor::with_session(site.a()).await;
    let head = format!(
        "PUT /attributes/half HTTP/1.1\r\nHost: test\r\nCookie: __Host-id={ticket}\r\nExpect: 100-continue\r\n\
         Content-Length: 6\r\n\r\n"
    );
    for sent in ["", "1", "\"five"] {
        let mut raw = Raw::connect(site.a()).await;
        raw.send(head.as_bytes()).await;
        raw.read_until("100 Continue\r\n\r\n").await;
        raw.send(sent.as_bytes()).await;
        drop(raw);
        assert_eq!(visitor.names(site.b()).await, ["first"], "after {sent:?}");
    }
}

/// Whichever way the race goes, the session is there with all it had, or it is gone.
async fn a_logout_whose_client_goes_away_is_whole(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    for _ in 0..10 {
        let (mut visitor, ticket) = Visitor::with_session(site.a()).await;
        visitor.set(site.a(), "second", 2).await;
        let cookie = format!("__Host-id={ticket}");
        drop(Raw::begin(site.a(), "POST", "/logout", &[cookie.as_bytes()]).await);
        let seen = visitor.session(site.b()).await;
        let whole = seen["names"] == serde_json::json!(["first", "second"]) || seen["new"] == true;
        assert!(whole, "{seen}");
    }
}
