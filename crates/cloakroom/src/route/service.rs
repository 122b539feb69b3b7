use std::task::{Context, Poll};

use http::{Extensions, Request};
use tower_service::Service;

use super::Activity;
use crate::config::LoadPolicy;
use crate::error::Error;
use crate::session::Slot;

/// A service whose requests are marked: what [`Activity`], [`LoadPolicy`],
/// [`ReadLatest`](crate::ReadLatest) and [`AnonymousOnStoreFailure`](crate::AnonymousOnStoreFailure) make as layers.
#[derive(Clone, Debug)]
pub struct RouteService<S> {
    inner: S,
    mark: Mark,
}

/// What is said of a request.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    Activity(Activity),
    Anonymous,
    Latest,
    Load(LoadPolicy),
}

impl Mark {
    pub(super) fn put(&self, extensions: &Extensions) -> Result<(), Error> {
        let slot = extensions.get::<Slot>().ok_or_else(Error::missing_layer)?;
        slot.for_each(&|session| match self {
            Self::Activity(activity) => session.marks().set_activity(*activity),
            Self::Anonymous => session.marks().allow_anonymous(),
            Self::Latest => session.marks().demand_latest(),
            Self::Load(_) if session.carries_everything() => {}
            Self::Load(_) => session.marks().take_load_policy(),
        });
        Ok(())
    }
}

impl<S> RouteService<S> {
    pub(super) fn new(inner: S, mark: Mark) -> Self {
        Self { inner, mark }
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for RouteService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if self.mark.put(request.extensions()).is_err() {
            tracing::warn!(mark = ?self.mark, "a mark on a route has no effect: it is not inside a SessionLayer");
        }
        if let Mark::Load(policy) = &self.mark {
            request.extensions_mut().insert(policy.clone());
        }
        self.inner.call(request)
    }
}
