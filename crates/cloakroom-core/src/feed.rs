use std::pin::Pin;

use futures_core::Stream;

use crate::error::Error;
use crate::ticket::Handle;
use crate::time::Version;

/// A stream of what changes in a store, for caches in front of it.
///
/// A notice may come twice or for a change of one's own. After an error, or when the stream ends, notices may have been
/// lost: whoever listens must forget all it has cached and ask for a new feed.
pub type Feed = Pin<Box<dyn Stream<Item = Result<Notice, Error>> + Send>>;

/// A session that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which session; `None`: every session in the namespace.
    pub handle: Option<Handle>,
    /// What happened.
    pub kind: NoticeKind,
}

/// What happened to a session. A mere touch is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoticeKind {
    /// It was committed to, and has this version now.
    Committed(Version),
    /// It has ended.
    Ended,
}
