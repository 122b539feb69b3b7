use cloakroom_core::{Admission, Error, Handle, Load, Record, Timestamp};

use super::SqliteStore;
use super::load::{LOAD, Snapshot};
use super::query::bind_handle;
use super::session::bind_record;
use crate::error::failed;
use crate::touch::{Due, Touched};

impl SqliteStore {
    /// Records an access if it is due.
    pub(super) async fn record_access(
        &self,
        load: &Load,
        mut record: Record,
        admission: Admission,
        snapshot: &Snapshot,
    ) -> Result<Touched, Error> {
        let due = Due::of(load, &mut record, admission, snapshot.now, &snapshot.record)
            .map_err(|damaged| failed(LOAD, damaged.into()))?;
        let Some(due) = due else { return Ok(Touched::Done) };
        let touch = self.touch(load.guard.handle, &record, &snapshot.record, due.until);
        due.record(touch).await
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
