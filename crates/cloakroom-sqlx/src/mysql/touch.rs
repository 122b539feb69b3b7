use cloakroom_core::{Admission, Error, Handle, Load, Record, Timestamp};

use super::MySqlStore;
use super::error::failed;
use super::load::{LOAD, Snapshot, bind_handle};
use super::statements::query;
use crate::record::{encode, millis};
use crate::touch::{Due, Touched};

impl MySqlStore {
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
