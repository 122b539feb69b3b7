use http::Extensions;
use tower_layer::Layer;

use super::service::{Mark, RouteService};
use crate::error::Error;

/// Demands the newest state of the session: no copy may answer, be it this node's own or a mirror, only the source. A `tower`
/// layer for single routes, *inside* the [`SessionLayer`](crate::SessionLayer); [`mark`](Self::mark) is for a middleware.
///
/// For routes where what another node did a moment ago must count, such as a sign-out, a payment, a change of rights (OWASP ASVS
/// 5.0, 8.3.2). Elsewhere a copy may be behind by as much as its store or cache promises. Without copies every read is of
/// the newest state anyway, and this costs nothing.
///
/// ```
/// # use axum::{Router, routing::{get, post}};
/// # use cloakroom::{MemoryStore, ReadLatest, Session, SessionLayer};
/// # async fn transfer(_: Session) {} async fn home(_: Session) {}
/// let app: Router = Router::new()
///     .route("/transfer", post(transfer).layer(ReadLatest))
///     .route("/", get(home))
///     .layer(SessionLayer::new(MemoryStore::new()));
/// # let _ = app;
/// ```
///
/// It holds for the load, for whatever the request fetches later, and for a session that a middleware further out has opened:
/// that is read again when the route's handler takes it. For one moment within a handler there is
/// [`Session::reload`](crate::Session::reload), which always asks the source.
///
/// What it cannot give is a state that the source does not have: changes that another node still holds back
/// (`WriteBehind`), or that died with it. See [`Session::is_stale`](crate::Session::is_stale) for that.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a marker without settings")]
pub struct ReadLatest;

impl ReadLatest {
    /// Marks a request by its extensions, for every session layer around.
    ///
    /// # Errors
    ///
    /// [`MissingLayer`](crate::ErrorKind::MissingLayer) when the request has not passed a session layer.
    pub fn mark(self, extensions: &Extensions) -> Result<(), Error> {
        Mark::Latest.put(extensions)
    }
}

impl<S> Layer<S> for ReadLatest {
    type Service = RouteService<S>;

    fn layer(&self, inner: S) -> RouteService<S> {
        RouteService::new(inner, Mark::Latest)
    }
}
