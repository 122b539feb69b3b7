use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use cloakroom_core::BoxFuture;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::task::detach;

/// Work that, once begun, runs to its end whatever becomes of this: it is polled here as long as anybody does, and moves to
/// a task of its own if this is dropped before.
///
/// Cheaper than a [`Task`](super::Task), but only for those who poll it or drop it: whoever keeps it and does neither holds it up.
pub(crate) struct Kept<T: Send + 'static> {
    work: Option<BoxFuture<'static, T>>,
    has_begun: bool,
}

pub(super) fn keep<T: Send + 'static>(
    tasks: &TaskTracker,
    work: impl Future<Output = T> + Send + 'static,
) -> Kept<T> {
    Kept { work: Some(Box::pin(tasks.track_future(work))), has_begun: false }
}

impl<T: Send + 'static> Future for Kept<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.has_begun = true;
        // Should it panic, it is not polled again.
        let Some(mut work) = self.work.take() else { return Poll::Ready(None) };
        match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => {
                self.work = Some(work);
                Poll::Pending
            }
        }
    }
}

impl<T: Send + 'static> Drop for Kept<T> {
    fn drop(&mut self) {
        let Some(work) = self.work.take().filter(|_| self.has_begun) else { return };
        if !detach(work.in_current_span()) {
            tracing::error!(
                "what a request did to its session may not be stored: the request ended outside a Tokio runtime"
            );
        }
    }
}
