//! The routes, and the body that they take.

mod attributes;
mod body;
mod events;
mod fail;
mod fill;
mod health;
mod increment;
mod logout;
mod metrics;
mod node;
mod overview;
mod principal;
mod push;
mod slow;
mod stream;
mod ticket;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_response_with_state;
use axum::routing::{delete, get, post};
use cloakroom::SessionLayer;
use metrics_exporter_prometheus::PrometheusHandle;

pub(crate) use self::health::Health;
use crate::history::History;

/// More than a session may hold, so that the session's own limits are met first.
const MAX_BODY: usize = 16 << 20;

type Answer = Result<StatusCode, crate::failure::Failure>;

/// Makes the whole application.
pub(crate) fn router(
    layer: &SessionLayer,
    health: Health,
    history: History,
    node: Option<HeaderValue>,
    prometheus: PrometheusHandle,
) -> Router {
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
        .layer(layer.clone())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .route("/healthz", get(health::check).with_state(health))
        .route("/events", get(events::list).with_state(events::Told::new(layer, history)))
        .route("/metrics", get(metrics::render).with_state(prometheus))
        .layer(map_response_with_state(node, node::name))
}
