//! Routes, and moments within a handler, that demand the newest state.

use axum::Router;
use axum::routing::get;
use cloakroom::core::Freshness;
use cloakroom::{Error, ErrorKind, LoadPolicy, ReadLatest, Session, SessionLayer};
use http::{Extensions, Request, StatusCode};
use tower::ServiceExt as _;

use super::super::rig::respond;
use super::Nodes;
use super::browser::Browser;

/// A browser whose session has `count` 1 in the copy of the first node and 2 in the source, and that says nothing of what it
/// has seen.
async fn behind(nodes: &Nodes) -> Browser {
    let mut browser = Browser::default();
    browser.visit(&nodes.b, super::counts).await.is(200);
    nodes.behind.copy(browser.ticket()).await;
    browser.visit(&nodes.b, super::counts).await.is(200);
    browser
}

fn nodes() -> Nodes {
    Nodes::with(|layer| layer.track_versions(false).load(LoadPolicy::OnDemand))
}

async fn count(session: &Session) -> u32 {
    session.get_named("count").await.unwrap().unwrap()
}

fn app(layer: &SessionLayer) -> Router {
    let reads = async |session: Session| count(&session).await.to_string();
    Router::new()
        .route("/latest", get(reads).layer(ReadLatest))
        .route("/any", get(reads))
        .layer(layer.clone())
}

async fn read(layer: &SessionLayer, browser: &Browser, path: &str) -> String {
    let mut request = browser.request().map(|()| axum::body::Body::empty());
    *request.uri_mut() = path.parse().unwrap();
    let Ok(response) = app(layer).oneshot(request).await;
    let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_routes_loads_and_fetches_ask_the_source() {
    let nodes = nodes();
    let browser = behind(&nodes).await;
    assert_eq!(read(&nodes.a, &browser, "/any").await, "1");
    assert!(!nodes.behind.asked().contains(&Freshness::Latest));
    assert_eq!(read(&nodes.a, &browser, "/latest").await, "2");
    assert_eq!(nodes.behind.asked(), [Freshness::Latest; 2], "a load and a fetch");
}

#[tokio::test]
async fn what_was_opened_before_the_route_is_read_again_once() {
    let nodes = nodes();
    let browser = behind(&nodes).await;
    let marked = async |request: Request<()>| -> Result<StatusCode, Error> {
        let early = Session::from_extensions(request.extensions()).await?;
        early.set_named("mine", &1)?;
        assert_eq!(count(&early).await, 1);
        ReadLatest.mark(request.extensions())?;
        let session = Session::from_extensions(request.extensions()).await?;
        assert_eq!((count(&session).await, count(&early).await), (2, 2));
        assert_eq!(session.get_named("mine").await?, Some(1));
        Session::from_extensions(request.extensions()).await?;
        Ok(StatusCode::OK)
    };
    nodes.behind.asked();
    assert_eq!(respond(&nodes.a, browser.request(), marked).await.status(), 200);
    let asked = nodes.behind.asked();
    assert_eq!(asked[2..], [Freshness::Latest], "after a load and a fetch: {asked:?}");
}

#[tokio::test]
async fn to_reload_asks_the_source_and_so_does_a_heartbeat() {
    let nodes = nodes();
    let mut browser = behind(&nodes).await;
    let reloads = async |session: Session| {
        assert_eq!(count(&session).await, 1);
        nodes.behind.asked();
        session.reload().await?;
        assert_eq!(count(&session).await, 2);
        session.heartbeat().await?;
        assert_eq!(nodes.behind.asked(), [Freshness::Latest; 2]);
        Ok(StatusCode::OK)
    };
    browser.visit(&nodes.a, reloads).await.is(200);
}

/// Else it would be tried against the same old value until it gives up.
#[tokio::test]
async fn an_update_that_a_copy_has_misled_looks_at_the_source() {
    let nodes = nodes();
    let mut browser = behind(&nodes).await;
    let updates = async |session: Session| {
        let count = session.update_named("count", |count: &mut u32| {
            *count += 1;
            *count
        });
        assert_eq!(count.await?, 3);
        Ok(StatusCode::OK)
    };
    nodes.behind.asked();
    browser.visit(&nodes.a, updates).await.is(200);
    let asked = nodes.behind.asked();
    assert_eq!(asked.iter().filter(|freshness| **freshness == Freshness::Latest).count(), 1, "{asked:?}");
}

#[test]
fn there_is_nothing_to_mark_outside_a_layer() {
    let refused = ReadLatest.mark(&Extensions::new());
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::MissingLayer);
}
