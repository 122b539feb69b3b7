//! Which requests count as their visitor's activity.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use cloakroom::core::{Opened, Timestamp};
use cloakroom::{Activity, Session, TimeLeft};

use super::pair::{Pair, Peer};
use crate::support::{Backend, eventually, for_each_store};

for_each_store!(
    polling_is_no_access_and_activity_is,
    the_keep_alive_counts_and_the_question_does_not,
    the_keep_alive_counts_whatever_the_throttle,
);

fn app() -> Router {
    let used = async |_: Session| ();
    Router::new()
        .route("/used", get(used))
        .route("/never", get(used).layer(Activity::Never))
        .route("/always", get(async || ()).layer(Activity::Always))
        .route("/time-left", get(TimeLeft::show))
        .route("/keep-alive", get(TimeLeft::keep_alive))
}

async fn opened(node: &Peer, ticket: &str) -> Opened {
    node.opened(ticket).await.unwrap()
}

/// Asks on one node until the other sees an access; checks that what does not count is none, once time has passed.
async fn counts(pair: &Pair, ticket: &str, no_access: &str, access: &str) {
    let before: Timestamp = opened(&pair.a, ticket).await.meta.accessed_at;
    eventually(|| async { opened(&pair.b, ticket).await.now > before }).await;
    for node in pair.both() {
        node.ask(app(), no_access, Some(ticket)).await.is(200).without_cookie();
    }
    assert_eq!(opened(&pair.b, ticket).await.meta.accessed_at, before, "{no_access}");
    pair.b.ask(app(), access, Some(ticket)).await.is(200).without_cookie();
    assert!(opened(&pair.a, ticket).await.meta.accessed_at > before, "{access}");
}

async fn polling_is_no_access_and_activity_is(backend: Backend) {
    let pair = Pair::with(backend, |layer| layer.touch_every(Duration::ZERO)).await;
    let ticket = pair.a.session().await;
    counts(&pair, &ticket, "/never", "/always").await;
}

async fn the_keep_alive_counts_and_the_question_does_not(backend: Backend) {
    let pair = Pair::with(backend, |layer| layer.touch_every(Duration::ZERO)).await;
    let ticket = pair.a.session().await;
    counts(&pair, &ticket, "/time-left", "/keep-alive").await;
}

async fn the_keep_alive_counts_whatever_the_throttle(backend: Backend) {
    let pair = Pair::with(backend, |layer| layer.touch_every(Duration::from_secs(60))).await;
    let ticket = pair.a.session().await;
    counts(&pair, &ticket, "/used", "/keep-alive").await;
}
