use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

/// The files that every page refers to. They are no part of any session.
pub(crate) fn assets() -> Router {
    Router::new()
        .route(
            "/static/style.css",
            get(|| async { asset("text/css; charset=utf-8", include_str!("../../static/style.css")) }),
        )
        .route(
            "/static/inspector.css",
            get(|| async { asset("text/css; charset=utf-8", include_str!("../../static/inspector.css")) }),
        )
        .route(
            "/static/page.js",
            get(|| async { asset("text/javascript; charset=utf-8", include_str!("../../static/page.js")) }),
        )
        .route(
            "/static/icon.svg",
            get(|| async { asset("image/svg+xml", include_str!("../../static/icon.svg")) }),
        )
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=60")], text)
}
