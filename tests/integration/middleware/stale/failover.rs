//! What a handler sees of a state that is older than its visitor has seen.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use cloakroom::core::{Freshness, Version};
use cloakroom::{
    AnonymousOnStoreFailure, Error, ErrorKind, LoadPolicy, MemoryStore, Session, UpToDate, WriteBehind,
};
use cloakroom_testkit::faulty::{Fault, Faulty, Operation};
use http::StatusCode;
use tower::ServiceExt as _;

use super::browser::{Browser, SEEN, Visit};
use super::{Nodes, counts, looks, tracking};

/// Asks a route that must not run on a stale state.
async fn asks(layer: &cloakroom::SessionLayer, browser: &mut Browser, path: &str) -> Visit {
    let pays = async |UpToDate(session): UpToDate| session.set_named("paid", &true);
    let redirects = async |session: Result<UpToDate, Error>| match session {
        Ok(_) => StatusCode::OK,
        Err(error) if error.kind() == ErrorKind::Stale => StatusCode::SEE_OTHER,
        Err(error) => error.status(),
    };
    let app = Router::new()
        .route("/pay", post(pays))
        .route("/redirects", post(redirects))
        .route("/lax", post(pays).layer(AnonymousOnStoreFailure))
        .layer(layer.clone());
    let mut request = browser.request().map(|()| axum::body::Body::empty());
    (*request.uri_mut(), *request.method_mut()) = (path.parse().unwrap(), http::Method::POST);
    let Ok(response) = app.oneshot(request).await;
    let (parts, _) = response.into_parts();
    browser.take(Visit { status: parts.status, headers: parts.headers })
}

#[tokio::test]
async fn changes_that_died_with_their_node_are_noticed_on_the_next() {
    let nodes = Nodes::new();
    let mut browser = nodes.losing().await;
    assert_eq!(browser.knows(), Some(3));
    browser.visit(&nodes.b, looks).await.is(410).sets(&[]);
    browser.visit(&nodes.b, looks).await.is(410).sets(&[]);
    browser.jar.remove(SEEN);
    browser.visit(&nodes.b, looks).await.is(200).sets(&[SEEN]);
    assert_eq!(browser.knows(), Some(1), "whoever shows nothing is told what there is");
}

#[tokio::test]
async fn a_route_that_must_be_up_to_date_is_not_run_on_a_stale_state() {
    let nodes = Nodes::new();
    let mut browser = nodes.losing().await;
    let refused = asks(&nodes.b, &mut browser, "/pay").await.is(409).sets(&[]);
    assert_eq!(refused.header("cache-control"), ["private, no-cache"]);
    asks(&nodes.b, &mut browser, "/redirects").await.is(303).sets(&[]);
    let stored = super::super::rig::opened(&nodes.memory, browser.ticket()).await.unwrap();
    assert_eq!((stored.meta.version, stored.meta.attributes), (Version(1), 1), "nothing was committed");

    let accepts = async |session: Session| {
        session.accept_stale();
        assert!(!session.is_stale());
        Ok(StatusCode::OK)
    };
    browser.visit(&nodes.b, accepts).await.is(200).sets(&[SEEN]);
    assert_eq!(browser.knows(), Some(1));
    asks(&nodes.b, &mut browser, "/redirects").await.is(200).sets(&[]);
    asks(&nodes.b, &mut browser, "/pay").await.is(200).sets(&[SEEN]);
    assert_eq!(browser.knows(), Some(2));
    browser.visit(&nodes.b, accepts).await.is(200).sets(&[]);
    asks(&nodes.b, &mut Browser::default(), "/pay").await.is(200).sets(&["__Host-id", SEEN]);
}

#[tokio::test]
async fn a_commit_accepts_the_older_state() {
    let nodes = Nodes::new();
    let mut browser = nodes.losing().await;
    let commits = async |session: Session| {
        assert!(session.is_stale());
        assert_eq!(session.get_named("count").await?, Some(1), "what is left");
        session.set_named("after", &1)?;
        session.commit().await?;
        assert!(!session.is_stale());
        Ok(StatusCode::OK)
    };
    browser.visit(&nodes.b, commits).await.is(200).sets(&[SEEN]);
    assert_eq!(browser.knows(), Some(2), "less than it had seen");
    browser.visit(&nodes.b, looks).await.is(200).sets(&[]);
}

#[tokio::test]
async fn what_arrives_while_the_request_runs_is_no_longer_missed() {
    let nodes = Nodes::new();
    let mut browser = nodes.losing().await;
    let other = browser.clone();
    let waits = async |session: Session| {
        assert!(session.is_stale());
        for _ in 0..2 {
            // As the node that has held its changes back writes them after all.
            other.clone().visit(&nodes.b, counts).await.is(200);
        }
        session.reload().await?;
        assert!(!session.is_stale());
        Ok(StatusCode::OK)
    };
    browser.visit(&nodes.b, waits).await.is(200).sets(&[]);
}

#[tokio::test]
async fn a_copy_that_is_behind_what_the_visitor_has_seen_does_not_answer() {
    let nodes = Nodes::with(|layer| layer.load(LoadPolicy::OnDemand));
    let mut browser = Browser::default();
    browser.visit(&nodes.b, counts).await.is(200);
    nodes.behind.copy(browser.ticket()).await;
    let late = browser.clone();
    browser.visit(&nodes.b, counts).await.is(200);
    let counted = |expected: u32| {
        move |session: Session| async move {
            assert_eq!(session.get_named("count").await?, Some(expected));
            looks(session).await
        }
    };
    browser.visit(&nodes.a, counted(2)).await.is(200).sets(&[]);
    assert_eq!(nodes.behind.asked(), [Freshness::AtLeast(Version(2)); 2], "a load and a fetch");
    late.clone().visit(&nodes.a, counted(1)).await.is(200).sets(&[]);
    assert_eq!(nodes.behind.asked(), [Freshness::AtLeast(Version(1)); 2]);
}

#[tokio::test]
async fn what_a_node_holds_back_is_missed_on_another_until_it_is_written() {
    let memory = MemoryStore::new();
    let held_back = Arc::new(WriteBehind::builder(memory.clone()).every(Duration::from_secs(3600)).build());
    let [a, b] = [tracking(Arc::clone(&held_back)), tracking(memory)];
    let mut browser = Browser::default();
    for version in 1..=3 {
        browser.visit(&a, counts).await.is(200);
        assert_eq!(browser.knows(), Some(version));
    }
    browser.visit(&b, looks).await.is(410).sets(&[]);
    browser.visit(&a, looks).await.is(200).sets(&[]);
    held_back.flush().await.unwrap();
    browser.visit(&b, looks).await.is(200).sets(&[]);
}

/// A route that may do without its session has not seen that it is up to date.
#[tokio::test]
async fn a_session_that_could_not_be_loaded_is_not_taken_for_up_to_date() {
    let store = Faulty::new(MemoryStore::new());
    let faults = store.faults();
    let layer = tracking(store);
    let mut browser = Browser::default();
    browser.visit(&layer, counts).await.is(200);
    faults.inject(Operation::Load, Fault::Fail(cloakroom::core::ErrorKind::Unavailable));
    asks(&layer, &mut browser, "/lax").await.is(503).sets(&[]);
    asks(&layer, &mut browser, "/pay").await.is(503).sets(&[]);
}
