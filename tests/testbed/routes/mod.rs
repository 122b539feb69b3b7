//! The routes, and the body that they take.

mod attributes;
mod body;
mod fail;
mod fill;
mod health;
mod increment;
mod later;
mod logout;
mod overview;
mod principal;
mod push;
mod slow;
mod stream;
mod ticket;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use cloakroom::SessionLayer;

pub(crate) use self::health::Health;

/// More than a session may hold, so that the session's own limits are met first.
const MAX_BODY: usize = 16 << 20;

type Answer = Result<StatusCode, crate::failure::Failure>;

/// Makes the whole application.
pub(crate) fn router(layer: &SessionLayer, health: Health) -> Router {
    Router::new()
        .route("/plain", get(async || "ok"))
        .route("/session", get(overview::show))
        .route("/attributes", post(attributes::set_all))
        .route("/attributes/{name}", get(attributes::show).put(attributes::set).delete(attributes::remove))
        .route("/increment/{name}", post(increment::increment))
        .route("/push/{name}", post(push::push))
        .route("/fill", post(fill::fill))
        .route("/slow", post(slow::slow))
        .route("/interval", post(ticket::set_interval))
        .route("/rotate", post(ticket::rotate))
        .route("/login", post(principal::login))
        .route("/logout", post(logout::logout))
        .route("/logout-then-set/{name}", post(logout::logout_then_set))
        .route("/principal/sessions", get(principal::list).delete(principal::end_all))
        .route("/principal/sessions/{handle}", delete(principal::end_one))
        .route("/fail", post(fail::fail))
        .route("/logout-and-fail", post(fail::logout_and_fail))
        .route("/panic", post(fail::panic))
        .route("/stream", get(stream::stream))
        .route("/events", get(later::not_implemented))
        .route("/metrics", get(later::not_implemented))
        .layer(layer.clone())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .route("/healthz", get(health::check).with_state(health))
}
