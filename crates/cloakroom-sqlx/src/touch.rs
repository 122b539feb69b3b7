//! When a load records its access, and when it leaves that to the next one.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use cloakroom_core::{Admission, Error, ErrorKind, Handle, Load, Record, Timestamp};
use tokio::time::timeout;

use crate::error::is_read_only;
use crate::record::{Damaged, decode};

/// How long a load waits to record an access that a later one can record as well.
const PATIENCE: Duration = Duration::from_millis(500);

/// What became of recording an access.
#[derive(PartialEq, Eq)]
pub(crate) enum Touched {
    /// It is stored, or need not be.
    Done,
    /// Left to the next load.
    Postponed,
    /// The session is no longer as it was read.
    Overtaken,
}

/// An access that is to be recorded.
pub(crate) struct Due {
    handle: Handle,
    /// When the session ends unless it is recorded.
    pub(crate) until: Timestamp,
    is_urgent: bool,
}

impl Due {
    /// Notes an access in a record that was read like this, and returns it if it is due.
    pub(crate) fn of(
        load: &Load,
        record: &mut Record,
        admission: Admission,
        now: Timestamp,
        read: &[u8],
    ) -> Result<Option<Self>, Damaged> {
        let is_urgent = now.since(record.accessed_at) >= record.max_inactive_interval / 2;
        let until = record.expires_at();
        if !record.access(admission, now, load.touch) {
            return Ok(None);
        }
        record.recent = decode(read)?.recent;
        Ok(Some(Self { handle: load.guard.handle, until, is_urgent }))
    }

    /// Stores it, or postpones it. A load need not fail, nor wait for long, because the session is locked, the disk full or
    /// the database read-only, while more than half of the session's interval is left for a later load to do it.
    pub(crate) async fn record(
        self,
        touch: impl Future<Output = Result<Touched, Error>> + Send,
    ) -> Result<Touched, Error> {
        if self.is_urgent {
            return touch.await;
        }
        match timeout(PATIENCE, touch).await {
            Err(elapsed) => Ok(self.postpone(&elapsed)),
            Ok(Err(error)) if may_pass(&error) => Ok(self.postpone(&error)),
            Ok(result) => result,
        }
    }

    fn postpone(&self, why: &(dyn fmt::Display + Sync)) -> Touched {
        tracing::warn!(handle = %self.handle, error = %why, "an access could not be recorded, and is left to the next load");
        Touched::Postponed
    }
}

fn may_pass(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Full)
        || is_read_only(error)
}
