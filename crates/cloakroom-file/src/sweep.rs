use std::fs;
use std::path::Path;
use std::sync::PoisonError;

use cloakroom_core::{Ended, Handle, Select, Sweep, Timestamp};

use crate::error::{Damaged, Failure, Result, if_there};
use crate::inner::Inner;
use crate::job::Caller;
use crate::place::{FOLDERS, handles_in};
use crate::session::Session;

/// How many files one sweep asks for their deadline. The next one goes on from there.
const LOOKED_AT: usize = 10_000;

/// Where the next sweep goes on.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    folder: usize,
    /// The last session of that folder that was looked at.
    after: Option<Handle>,
    epoch: Option<u64>,
    /// Which folder of the index is the next.
    index: usize,
    /// In how many folders each file is opened, whatever deadline is noted on it: a round of them, once everybody's
    /// sessions have ended.
    thorough: usize,
}

/// One sweep under way.
pub(crate) struct Round<'a> {
    sweep: &'a Sweep,
    looked_at: usize,
    ended: Vec<Ended>,
    /// The first thing that went wrong.
    failure: Option<Failure>,
}

impl Round<'_> {
    fn is_over(&self) -> bool {
        self.looked_at >= LOOKED_AT || self.ended.len() >= self.sweep.limit as usize
    }

    /// Notes that a file or a folder was left out. Told of once for each sweep, as there may be many.
    pub(crate) fn leave_out(&mut self, what: &Path, failure: Failure) {
        // Somebody is at work on it, and the next round finds it again; or nobody waits for this one.
        if matches!(failure, Failure::Busy | Failure::Abandoned) {
            return;
        }
        if self.failure.is_none() {
            tracing::warn!(path = %what.display(), error = %failure, "a sweep leaves out what it cannot read");
            self.failure = Some(failure);
        }
    }

    /// Returns what was handed out, also if something went wrong: it would be lost otherwise.
    fn answer(self) -> Result<Vec<Ended>> {
        match self.failure {
            Some(failure) if self.ended.is_empty() => Err(failure),
            _ => Ok(self.ended),
        }
    }
}

impl Inner {
    /// Goes on where the last sweep of this store has stopped, at most once around, and in the index by one folder. What
    /// cannot be read is left out: the others must not wait for it.
    pub(crate) fn sweep(&self, sweep: &Sweep, caller: &Caller) -> Result<Vec<Ended>> {
        let mut cursor = self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
        cursor.begin(self.epoch()?);
        let mut round = Round { sweep, looked_at: 0, ended: Vec::new(), failure: None };
        // Before anything is handed out that would be lost if the caller waited no longer.
        let index = self.place.index(cursor.index);
        cursor.index = (cursor.index + 1) % FOLDERS;
        self.prune_index(&index, &mut round, caller);
        for _ in 0..=FOLDERS {
            let folder = self.place.folder(cursor.folder);
            match sessions_in(&folder) {
                Ok(handles) => self.sweep_sessions(&handles, &mut round, &mut cursor, caller),
                Err(failure) => round.leave_out(&folder, failure),
            }
            if round.is_over() || caller.still_there().is_err() {
                break;
            }
            cursor.next_folder();
        }
        round.answer()
    }

    fn sweep_sessions(
        &self,
        handles: &[Handle],
        round: &mut Round<'_>,
        cursor: &mut Cursor,
        caller: &Caller,
    ) {
        let rest = handles.iter().filter(|handle| cursor.after.is_none_or(|after| **handle > after));
        for handle in rest.copied().collect::<Vec<_>>() {
            if round.is_over() || caller.still_there().is_err() {
                return;
            }
            round.looked_at += 1;
            cursor.after = Some(handle);
            match self.hand_out_if_due(handle, cursor.thorough > 0, round.sweep, caller) {
                Ok(ended) => round.ended.extend(ended),
                Err(failure) => round.leave_out(&self.place.session(handle), failure),
            }
        }
    }

    fn hand_out_if_due(
        &self,
        handle: Handle,
        is_thorough: bool,
        sweep: &Sweep,
        caller: &Caller,
    ) -> Result<Option<Ended>> {
        let is_due = is_thorough || self.is_due(&self.place.session(handle))?;
        if is_due { self.hand_out(handle, sweep, caller) } else { Ok(None) }
    }

    fn is_due(&self, file: &Path) -> Result<bool> {
        match if_there(fs::symlink_metadata(file))? {
            Some(found) => Ok(Timestamp::from(found.modified()?) <= self.now()?),
            None => Ok(false),
        }
    }

    /// Hands a session out if it has expired and nobody has claimed it.
    fn hand_out(&self, handle: Handle, sweep: &Sweep, caller: &Caller) -> Result<Option<Ended>> {
        let Some(_lock) = self.lock(handle, caller)? else { return Ok(None) };
        let session = match self.find_of_any_epoch(handle) {
            Ok(Some(session)) if session.epoch() == self.epoch()? => session,
            Ok(Some(session)) => return self.remove(&session).map(|()| None),
            Ok(None) => return self.remove_file(handle).map(|()| None),
            Err(Failure::Damaged(Damaged::Part(part))) => {
                if !self.is_due(&self.place.session(handle))? {
                    return Ok(None);
                }
                tracing::warn!(%handle, part, "a damaged session is removed");
                return self.remove_file(handle).map(|()| None);
            }
            // Of a newer format: left to newer servers.
            Err(Failure::Damaged(Damaged::Format(_))) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let now = self.now()?;
        if session.is_open() && session.record.is_live(now) {
            session.note_deadline();
            return Ok(None);
        }
        if session.claimed_until().is_some_and(|until| now < until) {
            return Ok(None);
        }
        self.hand_out_expired(&session, now, sweep).map(Some)
    }

    fn hand_out_expired(&self, session: &Session, now: Timestamp, sweep: &Sweep) -> Result<Ended> {
        let reason = session.record.end_reason();
        let ended = match session.ended(reason, now, &sweep.select) {
            Err(Failure::Damaged(damaged)) => {
                let handle = session.handle();
                tracing::warn!(%handle, %damaged, "an expired session is handed out without its values");
                session.ended(reason, now, &Select::default())?
            }
            ended => ended?,
        };
        match sweep.lease {
            None => self.remove(session)?,
            Some(lease) => session.claim(now.plus(lease))?,
        }
        Ok(ended)
    }

    /// Removes what was handed out.
    pub(crate) fn acknowledge(&self, handles: &[Handle], caller: &Caller) -> Result<()> {
        for handle in handles {
            let Some(_lock) = self.lock(*handle, caller)? else { continue };
            let session = match self.find(*handle) {
                // Nobody is told of it any more, and a later sweep removes it.
                Err(Failure::Damaged(_)) => None,
                session => session?,
            };
            if let Some(session) = session.filter(|session| !session.is_open()) {
                self.remove(&session)?;
            }
        }
        Ok(())
    }
}

impl Cursor {
    fn begin(&mut self, epoch: u64) {
        // A process that has just started does not know whether the others have come round since.
        if self.epoch.replace(epoch) != Some(epoch) && epoch > 0 {
            self.thorough = FOLDERS + 1;
        }
    }

    fn next_folder(&mut self) {
        self.folder = (self.folder + 1) % FOLDERS;
        self.after = None;
        self.thorough = self.thorough.saturating_sub(1);
    }
}

/// Lists the sessions in a folder, sorted.
fn sessions_in(folder: &Path) -> Result<Vec<Handle>> {
    let mut handles = handles_in(folder)?;
    handles.sort_unstable();
    Ok(handles)
}
