//! What a page asks in the background: how long its session still lives, and that it may live on.

use axum::Router;
use axum::routing::{get, post};
use cloakroom::TimeLeft;

/// Returns the routes that `static/page.js` asks. The first counts as nobody's activity, the second does.
pub(super) fn actions() -> Router {
    Router::new()
        .route("/session/time-left", get(TimeLeft::show))
        .route("/session/keep-alive", post(TimeLeft::keep_alive))
}
