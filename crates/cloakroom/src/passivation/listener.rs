use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::BoxFuture;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;

use crate::events::SessionDetails;
use crate::telemetry;

/// Is told when sessions leave memory for the disk and come back: given to
/// [`PassivatingStoreBuilder::listener`](super::PassivatingStoreBuilder::listener). What Servlet calls an
/// `HttpSessionActivationListener`.
///
/// Sessions are told of one at a time, in the order in which they moved, beside the requests. Up to 10,000 wait for a slow
/// listener; more are dropped, with a warning. A listener that panics, or takes longer than ten seconds, is logged and
/// harms nobody.
///
/// ```
/// use cloakroom::{ActivationListener, SessionDetails};
///
/// struct Log;
///
/// impl ActivationListener for Log {
///     async fn passivated(&self, session: &SessionDetails) {
///         println!("{} is on disk", session.handle());
///     }
/// }
/// ```
pub trait ActivationListener: Send + Sync + 'static {
    /// Is told that a session's attributes have gone to disk. Does nothing unless overridden.
    fn passivated(&self, session: &SessionDetails) -> impl Future<Output = ()> + Send {
        let _ = session;
        std::future::ready(())
    }

    /// Is told that a session's attributes are in memory again. Does nothing unless overridden.
    fn activated(&self, session: &SessionDetails) -> impl Future<Output = ()> + Send {
        let _ = session;
        std::future::ready(())
    }
}

/// An [`ActivationListener`] that can stand behind a pointer.
pub(super) trait DynActivationListener: Send + Sync {
    fn hear<'a>(&'a self, moved: &'a Moved) -> BoxFuture<'a, ()>;
}

impl<L: ActivationListener> DynActivationListener for L {
    fn hear<'a>(&'a self, moved: &'a Moved) -> BoxFuture<'a, ()> {
        match moved {
            Moved::Passivated(session) => Box::pin(self.passivated(session)),
            Moved::Activated(session) => Box::pin(self.activated(session)),
        }
    }
}

/// A session that has moved.
#[derive(Clone)]
pub(super) enum Moved {
    Passivated(SessionDetails),
    Activated(SessionDetails),
}

/// How many may wait for slow listeners.
const MOST_WAITING: usize = 10_000;

/// How long a listener may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells listeners, one thing after the other, in a task of its own.
pub(super) struct Teller {
    queue: Sender<Moved>,
    task: JoinHandle<()>,
}

impl Teller {
    pub(super) fn start(listeners: Vec<Arc<dyn DynActivationListener>>) -> Option<Self> {
        if listeners.is_empty() {
            return None;
        }
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        Some(Self { queue, task: tokio::spawn(tell_all(listeners, waiting)) })
    }

    pub(super) fn tell(&self, moved: Moved) {
        if self.queue.try_send(moved).is_err() {
            telemetry::unheard("dropped");
            tracing::warn!("activation listeners are too slow: an event is dropped");
        }
    }

    /// Waits until all that was told is heard, or the time of one listener is over.
    pub(super) async fn finish(self) {
        drop(self.queue);
        let _ = tokio::time::timeout(PATIENCE, self.task).await;
    }
}

async fn tell_all(listeners: Vec<Arc<dyn DynActivationListener>>, mut waiting: Receiver<Moved>) {
    while let Some(moved) = waiting.recv().await {
        for listener in &listeners {
            tell(Arc::clone(listener), moved.clone()).await;
        }
    }
}

/// Tells one listener, in a task of its own: neither its panic nor its blocking reaches the others.
async fn tell(listener: Arc<dyn DynActivationListener>, moved: Moved) {
    let mut hearing = tokio::spawn(async move { listener.hear(&moved).await });
    match tokio::time::timeout(PATIENCE, &mut hearing).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => {
            telemetry::unheard("panicked");
            tracing::error!("an activation listener panicked");
        }
        Err(_) => {
            hearing.abort();
            telemetry::unheard("late");
            tracing::error!("an activation listener did not return in time");
        }
    }
}
