use std::collections::HashMap;

use cloakroom_core::{EndReason, Ended, Handle, Name, Principal, Record, SessionInfo, Timestamp};
use sqlx::mysql::MySqlRow;

use super::row::{bytes, handle, is_null, lapse, name, number, readable};
use super::script::{Answer, of_handle, of_handles};
use super::step::Step;
use crate::record::decode_for_load;

/// A session and its record. With the handle given, these are two rows that the server finds at once.
pub(super) const SESSION_AND_RECORD: &str = "cloakroom_sessions s STRAIGHT_JOIN cloakroom_attributes a \
                                             ON a.session = s.handle AND a.name = x''";

/// Locks a session, and then its record: handle, `lapses_at`, record, epoch, principal.
///
/// Whatever locks rows names each of them, by the whole of its key. To find several at once, the server may go through all of
/// a small table, or one row too far; and then it waits for sessions that have nothing to do with it.
pub(super) fn lock_session(handle: Handle) -> String {
    format!(
        "SELECT s.handle, a.lapses_at, a.value, s.epoch, s.principal FROM {SESSION_AND_RECORD} \
         WHERE s.handle = {} FOR UPDATE",
        of_handle(handle)
    )
}

/// Reads the names of sessions' attributes: handle, name, `lapses_at`.
pub(super) fn select_names(handles: &str) -> String {
    format!(
        "SELECT session, name, lapses_at FROM cloakroom_attributes WHERE session IN ({handles}) AND name > x''"
    )
}

/// A session that may have to end.
pub(super) struct Session {
    pub(super) handle: Handle,
    pub(super) record: Record,
    /// It has been handed out as expired, or has ended for good.
    pub(super) is_sealed: bool,
    names: Vec<Name>,
}

impl Session {
    /// Reads one from three columns: handle, `lapses_at`, record.
    pub(super) fn read(row: &MySqlRow, names: &Names<'_>, now: Timestamp) -> Result<Self, sqlx::Error> {
        Self::read_record(row)?.with_names(names, now)
    }

    /// The same, but for the names of its attributes.
    pub(super) fn read_record(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        let (handle, record) = (handle(row, 0)?, decode_for_load(bytes(row, 2)?)?);
        Ok(Self { handle, record, is_sealed: lapse(row, 1)?.is_some(), names: Vec::new() })
    }

    /// Reads the names as well. What lapses after its end is still there at its end.
    pub(super) fn with_names(self, names: &Names<'_>, now: Timestamp) -> Result<Self, sqlx::Error> {
        let names = names.of(self.handle, now.min(self.record.expires_at()))?;
        Ok(Self { names, ..self })
    }

    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        !self.is_sealed && self.record.is_live(now)
    }

    pub(super) fn ended(self, reason: EndReason) -> Ended {
        Ended {
            handle: self.handle,
            principal: self.record.principal,
            names: self.names,
            attributes: Vec::new(),
            reason,
            created_at: self.record.created_at,
            accessed_at: self.record.accessed_at,
        }
    }

    pub(super) fn info(self) -> SessionInfo {
        SessionInfo {
            handle: self.handle,
            created_at: self.record.created_at,
            accessed_at: self.record.accessed_at,
            signed_in_at: self.record.signed_in_at,
            label: self.record.label,
        }
    }
}

/// The names of several sessions' attributes.
#[derive(Default)]
pub(super) struct Names<'a>(HashMap<Handle, Vec<&'a MySqlRow>>);

impl<'a> Names<'a> {
    pub(super) fn new(answers: &'a [Answer]) -> Result<Self, sqlx::Error> {
        let mut rows: HashMap<Handle, Vec<&'a MySqlRow>> = HashMap::new();
        for row in answers.iter().flat_map(|answer| &answer.rows) {
            rows.entry(handle(row, 0)?).or_default().push(row);
        }
        Ok(Self(rows))
    }

    /// Returns those of one session that have not lapsed at its end, sorted.
    fn of(&self, session: Handle, end: Timestamp) -> Result<Vec<Name>, sqlx::Error> {
        let mut names = Vec::new();
        for row in self.0.get(&session).into_iter().flatten() {
            if lapse(row, 2)?.is_none_or(|lapses_at| end < lapses_at) {
                names.push(name(row, 1)?);
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// A session that is locked; nothing but its handle is known of one that cannot be read.
pub(super) struct LockedSession {
    pub(super) handle: Handle,
    pub(super) session: Option<Session>,
}

impl Step<'_> {
    /// Locks those of the sessions that are there, have not ended with everybody's, and are bound to the principal.
    pub(super) async fn lock_sessions_of(
        &mut self,
        principal: &Principal,
        handles: &[Handle],
    ) -> Result<Vec<LockedSession>, sqlx::Error> {
        if handles.is_empty() {
            return Ok(Vec::new());
        }
        let mut questions: Vec<_> = sorted(handles).into_iter().map(lock_session).collect();
        questions.extend(of_handles(handles).iter().map(|some| select_names(some)));
        let answers = self.ask(&questions).await?;
        let (locked, names) = answers.split_at(handles.len().min(answers.len()));
        let names = Names::new(names)?;
        let mut found = Vec::with_capacity(handles.len());
        for row in locked.iter().flat_map(|answer| &answer.rows) {
            let is_theirs = !is_null(row, 4)? && bytes(row, 4)? == principal.as_str().as_bytes();
            if is_theirs && number(row, 3, "epoch")? == self.epoch {
                let session = readable(Session::read(row, &names, self.now));
                found.push(LockedSession { handle: handle(row, 0)?, session });
            }
        }
        Ok(found)
    }
}

/// Returns the order in which sessions are locked.
pub(super) fn sorted(handles: &[Handle]) -> Vec<Handle> {
    let mut handles = handles.to_vec();
    handles.sort_unstable();
    handles
}
