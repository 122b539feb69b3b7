use std::future::Future;
use std::sync::Arc;

use cloakroom_core::BoxFuture;

use super::SessionEvent;

/// Is told what happens to sessions: given to [`SessionLayer::listener`](crate::SessionLayer::listener).
///
/// ```
/// use cloakroom::{Attribute, MemoryStore, SessionEvent, SessionLayer, SessionListener};
/// # #[derive(Default, serde::Serialize, serde::Deserialize)] struct Cart { items: Vec<String> }
/// # impl Attribute for Cart { const NAME: &'static str = "cart"; }
///
/// /// Gives back what is reserved in a cart that nobody will buy any more.
/// struct Stock;
///
/// impl SessionListener for Stock {
///     fn wants(&self) -> &[&'static str] {
///         &[Cart::NAME]
///     }
///
///     async fn heard(&self, event: &SessionEvent) {
///         if let SessionEvent::Expired(session, _) = event
///             && let Ok(Some(cart)) = session.get::<Cart>()
///         {
///             give_back(cart.items).await;
///         }
///     }
/// }
/// # async fn give_back(_: Vec<String>) {}
///
/// let layer = SessionLayer::new(MemoryStore::new()).listener(Stock);
/// # let _ = layer;
/// ```
///
/// # When, and how often
///
/// A listener hears one event at a time, in the order in which this server learnt of them, and no request waits for it.
///
/// [`Expired`](SessionEvent::Expired) is told once, by whichever server's [`Sweeper`](crate::Sweeper) claims the session:
/// it is removed from the store when every listener has returned. If the server dies before that, another tells it
/// again when the claim has lapsed. Without a sweeper nobody tells of it, and a store that dropped the session unseen (one
/// in memory that was full, one whose keys lapsed while no sweeper ran) has nothing to tell.
///
/// All other events are told at most once. Up to 10,000 wait for a slow listener; more than that are dropped, with a warning.
///
/// # When it fails
///
/// A listener that panics, or takes longer than the [time it has](crate::SessionLayer::listener_timeout), harms neither the
/// request nor the sweeper nor other listeners. That it did is logged. One that was late hears nothing more until it has
/// returned. What expired is told it again; a sweeper whose listeners have failed three times
/// gives that session up.
pub trait SessionListener: Send + Sync + 'static {
    /// Returns the names of the attributes whose values an [`Expired`](SessionEvent::Expired) event is to bring along.
    /// None by default; their names come along in any case.
    fn wants(&self) -> &[&'static str] {
        &[]
    }

    /// Is told of an event. It may wait, and must not block its thread.
    fn heard(&self, event: &SessionEvent) -> impl Future<Output = ()> + Send;
}

/// A [`SessionListener`] that can stand behind a pointer.
pub(crate) trait DynListener: Send + Sync {
    fn dyn_wants(&self) -> &[&'static str];
    fn dyn_heard<'a>(&'a self, event: &'a SessionEvent) -> BoxFuture<'a, ()>;
}

impl<L: SessionListener> DynListener for L {
    fn dyn_wants(&self) -> &[&'static str] {
        self.wants()
    }

    fn dyn_heard<'a>(&'a self, event: &'a SessionEvent) -> BoxFuture<'a, ()> {
        Box::pin(self.heard(event))
    }
}

/// Tells a listener of an event, in a future that borrows nothing.
pub(crate) async fn heard_by(listener: Arc<dyn DynListener>, event: Arc<SessionEvent>) {
    listener.dyn_heard(&event).await;
}
