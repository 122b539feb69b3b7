/// Marks, in a response's extensions, a `503` that Cloakroom answered because the store failed: by rejecting an extractor, by
/// an [`Error`](crate::Error) that a handler returned, or in place of an answer whose changes could not be stored.
///
/// So an application can answer in its own way, in one place, with whatever body it likes: in a middleware *around* the
/// [`SessionLayer`](crate::SessionLayer), for that may replace the answer too.
///
/// ```
/// use axum::{Router, middleware::map_response, response::{IntoResponse, Response}};
/// use cloakroom::{MemoryStore, SessionLayer, StoreFailed};
/// use http::{StatusCode, header::RETRY_AFTER};
///
/// async fn apologise(response: Response) -> Response {
///     if response.extensions().get::<StoreFailed>().is_none() {
///         return response;
///     }
///     (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "10")], "We'll be back in a moment.").into_response()
/// }
///
/// let app: Router = Router::new()
///     .layer(SessionLayer::new(MemoryStore::new()))
///     .layer(map_response(apologise));
/// # let _ = app;
/// ```
///
/// An answer that was replaced never carries the session's cookie. One that the handler gave, or an extractor, does if an
/// earlier step of the request has made or ended a session. Let it stay a server error, so that no cache and no script takes
/// it for the page. To serve a route without its session instead, see
/// [`AnonymousOnStoreFailure`](crate::AnonymousOnStoreFailure).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StoreFailed;
