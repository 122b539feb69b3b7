//! A browser without a window.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{Method, Request};
use cloakroom::{MemoryStore, SessionLayer};
use cloakroom_testkit::ManualClock;
use tower::ServiceExt as _;

/// Keeps the one cookie there is.
pub(crate) struct Visitor {
    app: Router,
    pub(crate) cookie: String,
}

/// What an application answered.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    location: String,
    pub(crate) text: String,
}

impl Visitor {
    pub(crate) fn of(app: Router) -> Self {
        Self { app, cookie: String::new() }
    }

    /// Makes a visitor of an application whose store has this clock.
    pub(crate) fn with_clock(app: impl FnOnce(&SessionLayer) -> Router) -> (Self, ManualClock) {
        let clock = ManualClock::default();
        let store = MemoryStore::builder().clock(Arc::new(clock.clone())).build();
        (Self::of(app(&SessionLayer::new(store))), clock)
    }

    /// Makes another visitor of the same application.
    pub(crate) fn another(&self) -> Self {
        Self::of(self.app.clone())
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    /// Sends a form.
    pub(crate) async fn post(&mut self, path: &str, form: &str) -> Answer {
        self.send(Method::POST, path, form).await
    }

    async fn send(&mut self, method: Method, path: &str, form: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(COOKIE, &self.cookie)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(Body::from(form.to_owned())).unwrap();
        let Ok(response) = self.app.clone().oneshot(request).await;
        let (head, body) = response.into_parts();
        let header = |name| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        if let Some(cookie) = header(SET_COOKIE) {
            self.cookie = cookie.split(';').next().unwrap().to_owned();
        }
        let (status, location) = (head.status.as_u16(), header(LOCATION).unwrap_or_default());
        let body = to_bytes(body, 1 << 16).await.unwrap();
        Answer { status, location, text: String::from_utf8(body.to_vec()).unwrap() }
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Returns where it leads.
    #[track_caller]
    pub(crate) fn leads_to(self) -> String {
        assert_eq!(self.status, 303, "{self:?}");
        self.location
    }
}
