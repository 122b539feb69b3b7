//! The server, as far as the store needs it.

mod link;
mod listen;
mod read;
mod streams;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use async_nats::jetstream::Context;
use async_nats::jetstream::stream::Stream;
use tokio::sync::{Mutex, OnceCell};

pub(crate) use self::link::{Link, Options};
pub(crate) use self::listen::Contents;
pub(crate) use self::read::{Message, timestamp};
pub(crate) use self::streams::Terms;
pub(crate) use self::write::Guarded;

use crate::error::Failure;
use crate::subjects::{Kept, Subjects};

/// Streams on a server, or on several.
#[derive(Clone, Debug)]
pub(crate) struct Jet {
    link: Link,
    context: Context,
    terms: Terms,
    subjects: Subjects,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    streams: OnceCell<Streams>,
    /// Whether a stream has several replicas, any of which would answer a direct get, though it lags behind the leader.
    has_replicas: AtomicBool,
    /// Whether a stream is so full that no session is to be added, and no large value.
    is_short: AtomicBool,
    /// When they were last looked for, and made where they were not there.
    made: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Streams {
    sessions: Stream<()>,
    values: Stream<()>,
    due: Stream<()>,
}

impl Jet {
    pub(crate) fn new(link: Link, terms: Terms, subjects: Subjects) -> Self {
        let context = link.context();
        Self { link, context, terms, subjects, shared: Arc::default() }
    }

    /// Returns the largest part of a value that fits into a message, with room for headers.
    pub(crate) fn largest_part(&self) -> usize {
        (self.link.max_payload() / 2).max(1024)
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    fn has_replicas(&self) -> bool {
        self.shared.has_replicas.load(Ordering::Relaxed)
    }

    /// Returns whether no session is to be added, and no large value, because a stream is almost full.
    pub(crate) fn is_short(&self) -> bool {
        self.shared.is_short.load(Ordering::Relaxed)
    }

    pub(crate) async fn stream(&self, kept: Kept) -> Result<&Stream<()>, Failure> {
        let streams = self.shared.streams.get_or_try_init(|| Box::pin(self.open())).await?;
        Ok(match kept {
            Kept::Sessions => &streams.sessions,
            Kept::Values => &streams.values,
            Kept::Due => &streams.due,
        })
    }
}
