use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use cloakroom_core::BoxFuture;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// Work that, once begun, runs to its end whatever becomes of whoever waits for it. Gives `None` if it was cut off by a
/// panic or the end of the runtime.
///
/// It begins where it is first polled, which is all that a store in memory needs. What is not done by then moves to a
/// task of its own.
pub(crate) struct Task<T>(Stage<T>);

enum Stage<T> {
    NotBegun(TaskTracker, BoxFuture<'static, T>),
    Running(JoinHandle<T>),
    Over,
}

pub(crate) fn run_to_end<T>(tasks: &TaskTracker, work: impl Future<Output = T> + Send + 'static) -> Task<T> {
    Task(Stage::NotBegun(tasks.clone(), Box::pin(work)))
}

/// Work that runs to its end in a task of its own from the start, which begins when whoever asks for it has to wait.
pub(super) fn run_aside<T: Send + 'static>(
    tasks: &TaskTracker,
    work: impl Future<Output = T> + Send + 'static,
) -> Task<T> {
    Task(Stage::Running(tokio::spawn(tasks.track_future(work.in_current_span()))))
}

impl<T: Send + 'static> Future for Task<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let stage = &mut self.get_mut().0;
        let mut running = match std::mem::replace(stage, Stage::Over) {
            Stage::Over => return Poll::Ready(None),
            Stage::Running(running) => running,
            Stage::NotBegun(tasks, mut work) => match work.as_mut().poll(cx) {
                Poll::Ready(done) => return Poll::Ready(Some(done)),
                Poll::Pending => tokio::spawn(tasks.track_future(work.in_current_span())),
            },
        };
        if let Poll::Ready(joined) = Pin::new(&mut running).poll(cx) {
            return Poll::Ready(joined.ok());
        }
        *stage = Stage::Running(running);
        Poll::Pending
    }
}

/// Has work run to its end in a task of its own. Returns `false` outside a Tokio runtime, where it is dropped.
pub(super) fn detach(work: impl Future<Output: Send> + Send + 'static) -> bool {
    let runtime = tokio::runtime::Handle::try_current();
    runtime.map(|runtime| drop(runtime.spawn(work))).is_ok()
}
