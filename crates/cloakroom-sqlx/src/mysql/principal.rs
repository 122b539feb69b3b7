use cloakroom_core::{Bind, EndReason, Ended, Handle, OverLimit, Principal};

use super::row::handle;
use super::script::{Answer, of_handle, of_principal};
use super::session::Session;
use super::step::{Closing, Opening, Step};

impl Opening<'_> {
    /// Makes sign-ins of a principal, and ending all of its sessions, wait for each other. Always the first lock.
    pub(super) fn push_lock_of(&mut self, principal: Option<&Principal>) {
        if let Some(principal) = principal {
            self.push(&format!(
                "SELECT slot FROM cloakroom_slots WHERE slot = CRC32({}) MOD 256 FOR UPDATE",
                of_principal(principal)
            ));
        }
    }

    /// Looks for all sessions of a principal but one, also those that have ended, without a lock: until this transaction is
    /// over none is added.
    pub(super) fn push_sessions_of(&mut self, principal: &Principal, except: Option<Handle>) -> usize {
        let except = except.map(|except| format!("AND handle <> {}", of_handle(except))).unwrap_or_default();
        let principal = of_principal(principal);
        self.push(&format!("SELECT handle FROM cloakroom_sessions WHERE principal = {principal} {except}"))
    }

    /// The same, where a sign-in has a limit of sessions.
    pub(super) fn push_others(&mut self, bind: Option<&Bind>, handle: Handle) -> Option<usize> {
        let bind = bind.filter(|bind| bind.max_sessions.is_some())?;
        Some(self.push_sessions_of(&bind.principal, Some(handle)))
    }
}

impl Step<'_> {
    /// Decides which of the principal's other sessions must end for this one.
    pub(super) async fn make_room(
        &mut self,
        bind: Option<&Bind>,
        others: &[Handle],
    ) -> Result<Result<Vec<Ended>, OverLimit>, sqlx::Error> {
        let Some((bind, max)) = bind.and_then(|bind| Some((bind, bind.max_sessions?))) else {
            return Ok(Ok(Vec::new()));
        };
        if others.len() < max.count.max(1) as usize {
            return Ok(Ok(Vec::new()));
        }
        let locked = self.lock_sessions_of(&bind.principal, others).await?;
        let mut live: Vec<_> = locked.into_iter().filter_map(|found| found.session).collect();
        live.retain(|other| other.is_live(self.now));
        let signed_in = |other: &Session| (other.record.signed_in_at.unwrap_or_default(), other.handle);
        Ok(max.make_room(live.iter().map(signed_in).collect()).map(|end| {
            live.retain(|other| end.contains(&other.handle));
            live.into_iter().map(|other| other.ended(EndReason::Invalidated)).collect()
        }))
    }
}

impl Closing<'_> {
    /// Ends sessions, with all that is theirs.
    pub(super) fn push_end(&mut self, sessions: impl IntoIterator<Item = Handle>) {
        for session in sessions {
            self.push(&format!("DELETE FROM cloakroom_sessions WHERE handle = {}", of_handle(session)));
        }
    }
}

/// Reads handles from the first column.
pub(super) fn handles(answer: &Answer) -> Result<Vec<Handle>, sqlx::Error> {
    answer.rows.iter().map(|row| handle(row, 0)).collect()
}
