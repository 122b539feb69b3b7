use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;

/// Says in each response which node it comes from.
pub(super) async fn name(State(node): State<Option<HeaderValue>>, mut response: Response) -> Response {
    if let Some(node) = node {
        response.headers_mut().insert("x-node", node);
    }
    response
}
