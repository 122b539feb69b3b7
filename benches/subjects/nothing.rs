use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// A layer that does nothing, with a service and a future of its own: what any middleware costs at least.
#[derive(Clone, Copy, Debug)]
pub(super) struct NothingLayer;

impl<S> Layer<S> for NothingLayer {
    type Service = Nothing<S>;

    fn layer(&self, inner: S) -> Nothing<S> {
        Nothing { inner }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Nothing<S> {
    inner: S,
}

impl<S, R> Service<R> for Nothing<S>
where
    S: Service<R>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = NothingFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        NothingFuture { inner: self.inner.call(request) }
    }
}

pin_project! {
    pub(super) struct NothingFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F: Future> Future for NothingFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().inner.poll(cx)
    }
}
