//! A request's session: what it knows, what it did, and how that reaches the store.

mod absorb;
mod access;
mod anonymous;
mod attr;
mod attributes;
mod commit;
mod events;
mod finish;
mod flash;
mod identity;
mod inner;
mod kept;
mod known;
mod lifecycle;
mod lookup;
mod marks;
mod recent;
mod remaining;
mod renewal;
mod select;
mod stale;
mod state;
mod task;
#[cfg(feature = "memory")]
mod testing;
mod ttl;
mod undecodable;
mod update;

use std::fmt;
use std::sync::Arc;

pub use self::access::IntoName;
pub use self::attr::Attr;
pub(crate) use self::commit::once_more;
pub(crate) use self::events::tell_invalidated;
pub(crate) use self::finish::{Finish, Settled};
pub use self::flash::{Flash, FlashLevel, FlashMessage};
pub(crate) use self::inner::{Inner, Shared};
pub(crate) use self::kept::Kept;
pub use self::lookup::Sessions;
pub(crate) use self::lookup::Slot;
pub(crate) use self::task::run_to_end;

/// A request's session.
///
/// A handle: clones are the same session, and may be used from other tasks. Reading waits for the store only where an
/// attribute was not loaded; setting and removing are local, and are committed together before the response leaves.
///
/// ```
/// # use cloakroom::{Attribute, Error, Session};
/// # #[derive(Default, serde::Serialize, serde::Deserialize)] struct Visits(u32);
/// # impl Attribute for Visits { const NAME: &'static str = "visits"; }
/// async fn count(session: Session) -> Result<String, Error> {
///     let Visits(before) = session.get::<Visits>().await?.unwrap_or_default();
///     session.set(&Visits(before + 1))?;
///     Ok(format!("visit {}", before + 1))
/// }
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// assert_eq!(count(Session::for_test()).await?, "visit 1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # After the response's head has gone out
///
/// In a spawned task, a WebSocket handler or a streamed body the session is still usable, but nobody commits by itself
/// any more: call [`commit`](Self::commit). Changes that were never committed are reported as a warning when the last
/// clone is dropped. A cookie can no longer be sent, so making a session, [`rotate`](Self::rotate) and
/// [`sign_in`](Self::sign_in) give [`HeadSent`](crate::ErrorKind::HeadSent).
///
/// When a request fails or is dropped, what it has not committed by then is given up, and whoever commits next is told so, by
/// [`RequestFailed`](crate::ErrorKind::RequestFailed). A task that must not lose a change uses [`update`](Self::update).
///
/// A request that outlives its session's max inactive interval (a long upload, server-sent events) must call
/// [`heartbeat`](Self::heartbeat) at least that often, or the session ends under it.
///
/// The session is reached by the ticket that its request came with, or was given. Once another request has
/// [rotated](Self::rotate) or [renewed](crate::SessionLayer::renew_every) that, it opens nothing after the
/// [grace](crate::SessionLayer::rotation_grace), as after a sign-in at once: [`Gone`](crate::ErrorKind::Gone), although the
/// session lives on under its new ticket. So end a socket or stream on `Gone`, and let the page connect again, which brings
/// the ticket that the browser has now.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("handle", &self.handle()).finish_non_exhaustive()
    }
}
