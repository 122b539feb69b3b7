use sqlx::SqlStr;

use super::{Build, LISTED, OPEN, Sized, names, parameters};
use crate::record::FORMAT;

/// What ends sessions, and hands out those that have expired.
///
/// A "candidate" are three columns: record, handle, names.
#[derive(Debug)]
pub(in crate::sqlite) struct Ends {
    /// Now, handle → candidate.
    pub(in crate::sqlite) candidate: SqlStr,
    /// Now, principal → candidate.
    pub(in crate::sqlite) candidates_of: SqlStr,
    /// 1 now, 2 limit → candidate.
    pub(in crate::sqlite) expired: SqlStr,
    /// 1 now → whether a sweep has anything to do.
    pub(in crate::sqlite) is_sweep_due: SqlStr,
    /// Handles…
    pub(in crate::sqlite) delete: Sized,
    /// Handles… They have ended for good, and the next sweep hands them out.
    pub(in crate::sqlite) seal: Sized,
    /// `claimed_until`, handles…
    pub(in crate::sqlite) claim: Sized,
    /// Handles…
    pub(in crate::sqlite) acknowledge: Sized,
    /// Ends everybody's.
    pub(in crate::sqlite) next_epoch: SqlStr,
    /// Limit.
    pub(in crate::sqlite) delete_past_epochs: SqlStr,
}

impl Ends {
    pub(super) fn new(build: &Build<'_>) -> Self {
        let candidates = |now| format!("SELECT s.record, s.handle, {} FROM cloakroom_sessions s", names(now));
        let listed = |template: &str| {
            build.sized(&LISTED, |size| format!("{template} AND handle IN ({})", parameters(size)))
        };
        Self {
            candidate: build.one(format!("{} WHERE s.handle = ? AND {OPEN}", candidates("?"))),
            candidates_of: build.one(format!("{} WHERE s.principal = ? AND {OPEN}", candidates("?"))),
            expired: build.one(format!(
                "{} WHERE {} ORDER BY s.expires_at LIMIT ?2",
                candidates("?1"),
                due()
            )),
            is_sweep_due: build.one(format!(
                "SELECT EXISTS (SELECT 1 FROM cloakroom_sessions s WHERE {PAST}) \
                 OR EXISTS (SELECT 1 FROM cloakroom_sessions s WHERE {})",
                due()
            )),
            delete: listed("DELETE FROM cloakroom_sessions WHERE true"),
            seal: listed("UPDATE cloakroom_sessions SET claimed_until = 0 WHERE claimed_until IS NULL"),
            claim: listed("UPDATE cloakroom_sessions SET claimed_until = ? WHERE true"),
            acknowledge: listed("DELETE FROM cloakroom_sessions WHERE claimed_until IS NOT NULL"),
            next_epoch: build.one("UPDATE cloakroom_state SET epoch = epoch + 1"),
            delete_past_epochs: build.one(format!(
                "DELETE FROM cloakroom_sessions WHERE rowid IN \
                 (SELECT s.rowid FROM cloakroom_sessions s WHERE {PAST} LIMIT ?)"
            )),
        }
    }
}

/// Ended with everybody's.
const PAST: &str = "s.epoch < (SELECT epoch FROM cloakroom_state)";

/// Expired, and claimed by nobody who may still acknowledge it. A record of a newer format is left to newer servers.
fn due() -> String {
    format!(
        "s.epoch = (SELECT epoch FROM cloakroom_state) AND s.expires_at <= ?1 \
         AND coalesce(s.claimed_until, 0) <= ?1 AND substr(s.record, 1, 1) <= x'{FORMAT:02x}'"
    )
}
