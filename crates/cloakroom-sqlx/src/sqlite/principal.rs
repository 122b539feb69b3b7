use cloakroom_core::{Bind, EndReason, Ended, Error, Handle, OverLimit, Principal, SessionInfo};

use super::SqliteStore;
use super::query::{for_all, query};
use super::row::{Candidate, info, readable};
use super::write::Step;
use crate::error::failed;
use crate::record::millis;

const SESSIONS_OF: &str = "sessions of a principal";

impl SqliteStore {
    pub(super) async fn list(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        self.ready(SESSIONS_OF).await?;
        let query = query(&self.sql.read.sessions_of).bind(principal.as_str());
        let rows = self.connections.read_rows(query).await;
        let rows = rows.map_err(|error| failed(SESSIONS_OF, error))?;
        let now = self.clock.now();
        let readable = rows.iter().filter_map(|row| readable(info(row)));
        let live = readable.filter(|(record, _)| record.is_live(now));
        let mut sessions: Vec<_> = live.map(|(_, info)| info).collect();
        sessions.sort_unstable_by_key(|info| (info.signed_in_at, info.handle));
        Ok(sessions)
    }

    /// Ends as many of the principal's other sessions as must end for this one.
    pub(super) async fn make_room(
        &self,
        step: &mut Step<'_>,
        handle: Handle,
        bind: Option<&Bind>,
    ) -> Result<Result<Vec<Ended>, OverLimit>, sqlx::Error> {
        let Some((bind, max)) = bind.and_then(|bind| Some((bind, bind.max_sessions?))) else {
            return Ok(Ok(Vec::new()));
        };
        let mut others = self.candidates_of(step, &bind.principal).await?;
        others.retain(|other| other.handle != handle && other.record.is_live(step.now));
        let signed_in = |other: &Candidate| (other.record.signed_in_at.unwrap_or_default(), other.handle);
        let end = match max.make_room(others.iter().map(signed_in).collect()) {
            Ok(end) => end,
            Err(over) => return Ok(Err(over)),
        };
        others.retain(|other| end.contains(&other.handle));
        self.delete(step, &others).await?;
        Ok(Ok(others.into_iter().map(|other| other.ended(EndReason::Invalidated)).collect()))
    }

    /// Reads the principal's sessions, live or not, that can be read.
    pub(super) async fn candidates_of(
        &self,
        step: &mut Step<'_>,
        principal: &Principal,
    ) -> Result<Vec<Candidate>, sqlx::Error> {
        let query = query(&self.sql.end.candidates_of).bind(millis(step.now)).bind(principal.as_str());
        let rows = query.fetch_all(step.connection()).await?;
        Ok(rows.iter().filter_map(|row| readable(Candidate::read(row))).collect())
    }

    pub(super) async fn delete(
        &self,
        step: &mut Step<'_>,
        sessions: &[Candidate],
    ) -> Result<(), sqlx::Error> {
        let handles: Vec<_> = sessions.iter().map(Candidate::handle_bytes).collect();
        for_all(step.connection(), &self.sql.end.delete, None, &handles).await
    }
}
