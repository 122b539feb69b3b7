//! What an application may say about a real store that is away.

use std::time::Duration;

use axum::Router;
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use cloakroom::{AnonymousOnStoreFailure, Error, Session, StoreFailed};
use http::StatusCode;

use super::pair::Pair;
use crate::support::{Backend, Outage, Site, eventually, for_each_shared_store};

for_each_shared_store!(routes_do_as_they_say_while_the_store_is_away);

/// Tells who it is, or that it cannot know.
async fn greets(session: Session) -> String {
    match session.principal() {
        _ if session.store_failed() => "somebody".to_owned(),
        Some(name) => name.to_string(),
        None => "nobody".to_owned(),
    }
}

async fn changes(session: Session) -> Result<(), Error> {
    session.set_named("late", &1)
}

async fn apologise(response: Response) -> Response {
    if response.extensions().get::<StoreFailed>().is_none() {
        return response;
    }
    (StatusCode::SERVICE_UNAVAILABLE, "sorry").into_response()
}

fn app() -> Router {
    Router::new()
        .route("/strict", get(greets))
        .route("/lenient", get(greets).layer(AnonymousOnStoreFailure))
        .route("/lenient/change", get(changes).layer(AnonymousOnStoreFailure))
}

async fn routes_do_as_they_say_while_the_store_is_away(backend: Backend) {
    let pair = Pair::on(Site::bare_breakable(backend).await, |layer| layer).await;
    // Where the store is away, they say so soon.
    let hasty = pair.both().map(|node| node.restarted(|layer| layer.store_timeout(Duration::from_secs(2))));
    let ticket = pair.a.signed_in("ada").await;
    let ask = async |number: usize, path: &str| {
        hasty[number].ask(app(), path, Some(&ticket)).await.without_cookie()
    };
    eventually(|| async { ask(0, "/lenient").await.is(200).body == "ada" }).await;

    let outage = Outage::begin(&pair.site).await;
    for node in 0..2 {
        assert!(ask(node, "/strict").await.is(503).body.is_empty());
        assert_eq!(ask(node, "/lenient").await.is(200).body, "somebody", "never taken for nobody");
        ask(node, "/lenient/change").await.is(503);
    }
    // The layer's own answer passes whatever is around it.
    let layered = app().layer(hasty[0].layer.clone()).layer(map_response(apologise));
    assert_eq!(hasty[1].ask(layered, "/strict", Some(&ticket)).await.body, "sorry");
    outage.end().await;

    for node in 0..2 {
        eventually(|| async { ask(node, "/lenient").await.body == "ada" }).await;
        eventually(|| async { ask(node, "/strict").await.body == "ada" }).await;
        assert!(pair.node(node).names(&ticket).await.is_empty(), "nothing came through late");
    }
}
