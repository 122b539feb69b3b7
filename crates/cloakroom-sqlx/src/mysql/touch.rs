use std::fmt;
use std::time::Duration;

use cloakroom_core::{Admission, Error, ErrorKind, Handle, Load, Record, Timestamp};
use tokio::time::timeout;

use super::MySqlStore;
use super::error::failed;
use super::load::{LOAD, Snapshot, bind_handle};
use super::statements::query;
use crate::record::{decode, encode, millis};

/// How long a load waits to record an access that a later one can record as well.
const PATIENCE: Duration = Duration::from_millis(500);

/// What became of recording an access.
#[derive(PartialEq, Eq)]
pub(super) enum Touched {
    /// It is stored, or need not be.
    Done,
    /// Left to the next load.
    Postponed,
    /// The session is no longer as it was read.
    Overtaken,
}

impl MySqlStore {
    /// Records an access if it is due; or postpones it. A load need not fail, nor wait for long, because the session is
    /// locked, the disk full or the server read-only, while more than half of the session's interval is left for a later
    /// load to do it.
    pub(super) async fn record_access(
        &self,
        load: &Load,
        mut record: Record,
        admission: Admission,
        snapshot: &Snapshot,
    ) -> Result<Touched, Error> {
        let handle = load.guard.handle;
        let is_urgent = snapshot.now.since(record.accessed_at) >= record.max_inactive_interval / 2;
        let until = record.expires_at();
        if !record.access(admission, snapshot.now, load.touch) {
            return Ok(Touched::Done);
        }
        record.recent = decode(&snapshot.record).map_err(|damaged| failed(LOAD, damaged.into()))?.recent;
        let touch = self.touch(handle, &record, &snapshot.record, until);
        if is_urgent {
            return touch.await;
        }
        match timeout(PATIENCE, touch).await {
            Err(elapsed) => Ok(postpone(handle, &elapsed)),
            Ok(Err(error)) if may_pass(error.kind()) => Ok(postpone(handle, &error)),
            Ok(result) => result,
        }
    }

    /// Stores the record if the session still has the one that was read, and has not expired meanwhile: so the ticket is still verified, and nothing
    /// that somebody else has stored since is lost. When a sweep looks at the session stays as it was: too early does no
    /// harm.
    async fn touch(
        &self,
        handle: Handle,
        record: &Record,
        read: &[u8],
        until: Timestamp,
    ) -> Result<Touched, Error> {
        let failed = |error| failed(LOAD, error);
        let mut link = self.links.acquire().await.map_err(failed)?;
        let query = bind_handle(query(&self.sql.touch).bind(encode(record)), handle);
        let query = query.bind(read).bind(millis(until));
        let found = link.execute(query).await.map_err(failed)?;
        Ok(if found == 0 { Touched::Overtaken } else { Touched::Done })
    }
}

fn may_pass(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Full)
}

fn postpone(handle: Handle, why: &dyn fmt::Display) -> Touched {
    tracing::warn!(%handle, error = %why, "an access could not be recorded, and is left to the next load");
    Touched::Postponed
}
