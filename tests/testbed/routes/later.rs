use axum::http::StatusCode;

/// Answers for a route that comes with a later version.
pub(super) async fn not_implemented() -> StatusCode {
    StatusCode::NOT_IMPLEMENTED
}
