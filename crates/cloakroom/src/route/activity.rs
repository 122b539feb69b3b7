use http::Extensions;
use tower_layer::Layer;

use super::service::{Mark, RouteService};
use crate::error::Error;

/// Whether a request counts as its visitor's activity, which keeps the session alive.
///
/// It is a `tower` layer for single routes, *inside* the [`SessionLayer`](crate::SessionLayer); where several are around a
/// handler, the innermost counts. [`SessionLayer::activity`](crate::SessionLayer::activity) decides by a request's head,
/// and [`mark`](Self::mark) by whatever a middleware knows.
///
/// ```
/// # use axum::{Router, routing::{get, post}};
/// # use cloakroom::{Activity, MemoryStore, Session, SessionLayer};
/// # async fn unread(_: Session) {} async fn scrolled() {}
/// let app: Router = Router::new()
///     .route("/unread", get(unread).layer(Activity::Never)) // asked every minute, whether or not anyone is there
///     .route("/scrolled", post(scrolled).layer(Activity::Always)) // has no use for the session, but is a sign of life
///     .layer(SessionLayer::new(MemoryStore::new()));
/// # let _ = app;
/// ```
///
/// # Polling and server-sent events
///
/// A page that asks for news every minute would keep its session alive for ever, and with it whoever finds the page open
/// in the evening. Give such routes [`Never`](Self::Never), so that the session ends after its max inactive interval although
/// the page goes on asking, and let them only read: **a commit is an access all the same**. Such a request does not renew a
/// ticket for its age either.
///
/// Server-sent events and web sockets load the session once, when they begin, which counts unless they are `Never`. While
/// they last nothing is recorded by itself: call [`Session::heartbeat`](crate::Session::heartbeat) when the visitor does
/// something, and [`Session::reload`](crate::Session::reload) from time to time to notice that the session has ended, or
/// [is theirs no longer](crate::Session#after-the-responses-head-has-gone-out).
///
/// What has opened the session before it was marked `Never`, such as a middleware further out, has counted already. If it was
/// opened as `Never` and is marked otherwise afterwards, the access is recorded at the end of the request, at the cost of one
/// more load, unless a commit records it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activity {
    /// It counts if it uses its session.
    #[default]
    IfUsed,
    /// It counts, also where its handler does not use the session. Then it costs a load, whose failure does not harm the
    /// answer.
    Always,
    /// It does not count. Its session is loaded without recording an access.
    Never,
}

impl Activity {
    /// Marks a request by its extensions, for every session layer around.
    ///
    /// # Errors
    ///
    /// [`MissingLayer`](crate::ErrorKind::MissingLayer) when the request has not passed a session layer.
    pub fn mark(self, extensions: &Extensions) -> Result<(), Error> {
        Mark::Activity(self).put(extensions)
    }
}

impl<S> Layer<S> for Activity {
    type Service = RouteService<S>;

    fn layer(&self, inner: S) -> RouteService<S> {
        RouteService::new(inner, Mark::Activity(*self))
    }
}
