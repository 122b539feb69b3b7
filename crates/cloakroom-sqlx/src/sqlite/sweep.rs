use cloakroom_core::{Ended, Error, Handle, Sweep};
use sqlx::Row as _;

use super::SqliteStore;
use super::attributes::selected;
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
                Some(session) => {
                    due.push(raw_handle(row));
                    ended.push(self.expired(step, session, sweep).await?);
                }
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

    async fn expired(
        &self,
        step: &mut Step<'_>,
        session: Candidate,
        sweep: &Sweep,
    ) -> Result<Ended, sqlx::Error> {
        let (handle, end) = (session.handle, session.record.expires_at());
        let reason = session.record.end_reason();
        let attributes = selected(step.connection(), &self.sql, handle, &sweep.select.values, end).await?;
        Ok(Ended { attributes, ..session.ended(reason) })
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
