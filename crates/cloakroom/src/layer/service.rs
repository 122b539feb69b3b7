use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::body::SessionBody;
use super::future::ResponseFuture;
use super::hint;
use crate::session::{Inner, Shared, Slot};

/// A service whose requests have sessions: what [`SessionLayer`](crate::SessionLayer) makes.
#[derive(Clone)]
pub struct SessionService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> SessionService<S> {
    pub(super) fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S, B, R> Service<Request<B>> for SessionService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<SessionBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let session = begin(&self.shared, &request);
        Slot::put(&session, request.extensions_mut());
        ResponseFuture::new(self.inner.call(request), session)
    }
}

/// Takes up what the layer must know of a request before the inner service has it.
#[inline]
fn begin<B>(shared: &Arc<Shared>, request: &Request<B>) -> Arc<Inner> {
    hint::observe(shared, request);
    let session = Inner::begin(shared, request);
    if let Some(rule) = &shared.settings.activity {
        session.marks().set_activity(rule(request.method(), request.uri(), request.headers()));
    }
    session
}

impl<S: fmt::Debug> fmt::Debug for SessionService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
