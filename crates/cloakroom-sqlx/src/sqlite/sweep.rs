use cloakroom_core::{Ended, Error, Handle, Sweep, Wanted};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::attributes::{live, selected};
use super::query::{for_all, query};
use super::row::{Candidate, raw_handle, readable};
use super::write::{Step, Writer};
use crate::error::failed;
use crate::record::millis;

pub(super) const SWEEP: &str = "sweep";

/// How many sessions that ended with everybody's a sweep removes at least, if there are that many.
const PAST_AT_LEAST: u32 = 1000;

impl SqliteStore {
    /// Looks whether there is anything to sweep, without taking the write lock from others.
    pub(super) async fn is_sweep_due(&self) -> Result<bool, Error> {
        self.ready(SWEEP).await?;
        let query = query(&self.sql.end.is_sweep_due).bind(millis(self.clock.now()));
        let row = self.connections.read_row(query).await;
        row.and_then(|row| row.try_get(0)).map_err(|error| failed(SWEEP, error))
    }

    pub(super) async fn sweep_with(
        &self,
        writer: &mut Writer<'_>,
        sweep: &Sweep,
    ) -> Result<Vec<Ended>, sqlx::Error> {
        let mut step = writer.step().await?;
        let past = query(&self.sql.end.delete_past_epochs).bind(sweep.limit.max(PAST_AT_LEAST));
        past.execute(step.connection()).await?;
        let ended = self.hand_out(&mut step, sweep).await?;
        step.commit().await?;
        Ok(ended)
    }

    async fn hand_out(&self, step: &mut Step<'_>, sweep: &Sweep) -> Result<Vec<Ended>, sqlx::Error> {
        let query = query(&self.sql.end.expired).bind(millis(step.now)).bind(sweep.limit);
        let rows = query.fetch_all(step.connection()).await?;
        let (mut ended, mut due, mut damaged) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            match readable(Candidate::read(row)) {
                None => damaged.push(raw_handle(row)),
                Some(session) if session.record.is_live(step.now) => {}
                Some(session) => match self.expired(step, session, &sweep.select.values).await? {
                    None => damaged.push(raw_handle(row)),
                    Some(told) => {
                        due.push(raw_handle(row));
                        ended.push(told);
                    }
                },
            }
        }
        for_all(step.connection(), &self.sql.end.delete, None, &damaged).await?;
        match sweep.lease {
            None => for_all(step.connection(), &self.sql.end.delete, None, &due).await?,
            Some(lease) => {
                let until = millis(step.now.plus(lease));
                for_all(step.connection(), &self.sql.end.claim, Some(until), &due).await?;
            }
        }
        Ok(ended)
    }

    /// Returns `None` if an attribute that is wanted cannot be read.
    async fn expired(
        &self,
        step: &mut Step<'_>,
        session: Candidate,
        wanted: &Wanted,
    ) -> Result<Option<Ended>, sqlx::Error> {
        let values = selected(step.connection(), &self.sql, session.handle, wanted).await?;
        Ok(readable(told(session, values, wanted)))
    }

    pub(super) async fn acknowledge_with(
        &self,
        writer: &mut Writer<'_>,
        handles: &[Handle],
    ) -> Result<(), sqlx::Error> {
        let mut step = writer.step().await?;
        let handles: Vec<_> = handles.iter().map(|handle| handle.as_bytes().as_slice()).collect();
        for_all(step.connection(), &self.sql.end.acknowledge, None, &handles).await?;
        step.commit().await
    }
}

/// Tells of a session that has expired with its values.
fn told(session: Candidate, values: Vec<SqliteRow>, wanted: &Wanted) -> Result<Ended, sqlx::Error> {
    let known = if let Wanted::Named(names) = wanted { &names[..] } else { &[] };
    let attributes = live(values, 0, known, session.record.expires_at())?;
    let reason = session.record.end_reason();
    Ok(Ended { attributes, ..session.ended(reason) })
}
