use std::pin::Pin;
use std::time::Instant;

use futures_core::Stream;

use crate::error::Error;
use crate::ticket::Handle;
use crate::time::Version;

/// A stream of what changes in a store, for caches in front of it.
///
/// A notice may come twice or for a change of one's own. After an error, or when the stream ends, notices may have been
/// lost: whoever listens must forget all it has cached and ask for a new feed.
pub type Feed = Pin<Box<dyn Stream<Item = Result<Notice, Error>> + Send>>;

/// What a feed tells. A mere touch is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a cache must handle every case")]
pub enum Notice {
    /// A session was committed to.
    Committed {
        /// Which session.
        handle: Handle,
        /// Its version now.
        version: Version,
    },
    /// A session has ended.
    Ended {
        /// Which session; `None`: every session in the namespace.
        handle: Option<Handle>,
    },
    /// Every change that was acknowledged before this moment has been told. So it is never later than the moment at which
    /// the feed asked the store for a sign of life that has come back through the feed. A feed tells it at least once a
    /// second as long as it is whole.
    CaughtUp(Instant),
}
