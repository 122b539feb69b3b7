use std::fmt;
use std::time::Duration;

use cloakroom_core::{Admission, Error, ErrorKind, Handle, Load, Record, Timestamp};
use tokio::time::timeout;

use super::SqliteStore;
use super::load::{LOAD, Snapshot};
use super::query::bind_handle;
use super::session::bind_record;
use crate::error::failed;
use crate::record::decode;

/// How long a load waits for its turn to record an access that a later one can record as well.
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

impl SqliteStore {
    /// Records an access if it is due; or postpones it. A load need not fail, nor wait for long, because the database is
    /// busy or the disk full, while more than half of the session's interval is left for a later load to do it.
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

    /// Stores the record if the session still has the one that was read, and has not expired while this waited: so the
    /// ticket is still verified, and nothing that somebody else has stored since is lost.
    async fn touch(
        &self,
        handle: Handle,
        record: &Record,
        read: &[u8],
        until: Timestamp,
    ) -> Result<Touched, Error> {
        let mut writer = self.writer(LOAD).await?;
        let query = bind_handle(bind_record(&self.sql.write.touch, record), handle).bind(read);
        let stored = async {
            let mut step = writer.step().await?;
            if step.now >= until {
                return Ok(Touched::Overtaken);
            }
            let found = query.execute(step.connection()).await?.rows_affected();
            step.commit().await?;
            Ok(if found == 0 { Touched::Overtaken } else { Touched::Done })
        };
        let result = stored.await;
        writer.finish(LOAD, result)
    }
}

fn may_pass(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Full)
}

fn postpone(handle: Handle, why: &dyn fmt::Display) -> Touched {
    tracing::warn!(%handle, error = %why, "an access could not be recorded, and is left to the next load");
    Touched::Postponed
}
