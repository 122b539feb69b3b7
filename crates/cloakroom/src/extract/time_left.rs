use std::time::Duration;

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;

use crate::error::{Error, ErrorKind};
use crate::route::Activity;
use crate::session::Session;

/// How long a session still lives, so that a page can warn before it expires.
///
/// As an extractor it does not count as activity, so that a page may ask as often as it likes. As a response it is JSON that
/// no cache keeps: `{"time_left_ms": 1740000, "lifetime_left_ms": 28740000}`, or `null` for each that there is not. Where both
/// are the same, the session is at the end of its max lifetime, and nothing keeps it.
///
/// ```
/// use axum::{Router, routing::{get, post}};
/// use cloakroom::{MemoryStore, SessionLayer, TimeLeft};
///
/// let app: Router = Router::new()
///     .route("/session/time-left", get(TimeLeft::show))
///     .route("/session/keep-alive", post(TimeLeft::keep_alive))
///     .layer(SessionLayer::new(MemoryStore::new()));
/// # let _ = app;
/// ```
///
/// The page asks `/session/time-left` when it expects the end to be near (the visitor may have been active in another
/// window), warns, and sends `/session/keep-alive` when the visitor wants to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeLeft {
    /// [`Session::time_left`].
    pub time_left: Option<Duration>,
    /// [`Session::lifetime_left`].
    pub lifetime_left: Option<Duration>,
}

impl TimeLeft {
    /// Returns how long a session still lives.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        Self { time_left: session.time_left(), lifetime_left: session.lifetime_left() }
    }

    /// Handles a request that asks how long its session still lives. It does not count as activity.
    pub async fn show(self) -> Self {
        self
    }

    /// Handles a request that keeps its session alive: records an access, whatever the throttle, and tells how long the
    /// session lives from there. For a session that has ended meanwhile, that is nothing.
    ///
    /// # Errors
    ///
    /// [`Store`](ErrorKind::Store) when the store failed.
    pub async fn keep_alive(session: Session) -> Result<Self, Error> {
        match session.heartbeat().await {
            Err(error) if error.kind() != ErrorKind::Gone => Err(error),
            _ => Ok(Self::of(&session)),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for TimeLeft {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        Activity::Never.mark(&parts.extensions)?;
        Session::from_extensions(&parts.extensions).await.map(|session| Self::of(&session))
    }
}

impl IntoResponse for TimeLeft {
    fn into_response(self) -> Response {
        let [left, lifetime] = [self.time_left, self.lifetime_left].map(json);
        let body = format!(r#"{{"time_left_ms":{left},"lifetime_left_ms":{lifetime}}}"#);
        ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body).into_response()
    }
}

fn json(time: Option<Duration>) -> String {
    time.map_or_else(|| "null".to_owned(), |time| time.as_millis().to_string())
}
