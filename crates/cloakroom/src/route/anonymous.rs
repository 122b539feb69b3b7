use tower_layer::Layer;

use super::service::{Mark, RouteService};

/// Lets a route be served without its session while the store fails. A `tower` layer for single routes, *inside* the
/// [`SessionLayer`](crate::SessionLayer).
///
/// Elsewhere a request whose session cannot be loaded is answered `503`: taking everybody for anonymous would show a
/// signed-in visitor a stranger's page, and let pass what looks for a reason to refuse (OWASP ASVS 5.0, 16.5.3). Only a
/// route that does the same for everybody, and shows a little more to those it knows, should say this:
///
/// ```
/// # use axum::{Router, routing::get};
/// # use cloakroom::{AnonymousOnStoreFailure, MemoryStore, Session, SessionLayer};
/// async fn product(session: Session) -> &'static str {
///     if session.store_failed() { "the product; your cart is away for a moment" } else { "the product, and your cart" }
/// }
///
/// let app: Router = Router::new()
///     .route("/product", get(product).layer(AnonymousOnStoreFailure))
///     .layer(SessionLayer::new(MemoryStore::new()));
/// # let _ = app;
/// ```
///
/// Such a request reads an empty session, which [is new](crate::Session::is_new) and says so with
/// [`store_failed`](crate::Session::store_failed). Nothing is ever written for it: it makes no session, and neither sends nor
/// removes a cookie. If its handler changes anything, signs in or invalidates, the answer is a `503`. Each is logged as a
/// warning. It is for a load that fails: what was opened is not given up when a later operation fails.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a marker without settings")]
pub struct AnonymousOnStoreFailure;

impl<S> Layer<S> for AnonymousOnStoreFailure {
    type Service = RouteService<S>;

    fn layer(&self, inner: S) -> RouteService<S> {
        RouteService::new(inner, Mark::Anonymous)
    }
}
