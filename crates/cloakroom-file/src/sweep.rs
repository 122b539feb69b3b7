use std::fs;
use std::path::Path;
use std::sync::PoisonError;

use cloakroom_core::{Ended, Handle, Sweep, Timestamp};

use crate::error::{Damaged, Failure, Result, if_there};
use crate::inner::Inner;
use crate::job::Caller;
use crate::place::{FOLDERS, handle_of};
use crate::session::Session;

/// How many files one sweep asks for their deadline. The next one goes on from there.
const LOOKED_AT: usize = 10_000;

/// Where the next sweep goes on.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    folder: usize,
    /// The last file of that folder that was looked at.
    after: Option<String>,
    epoch: Option<u64>,
    /// In how many folders each file is opened, whatever deadline is noted on it: a round of them, once everybody's
    /// sessions have ended.
    thorough: usize,
}

/// One sweep under way.
struct Round<'a> {
    sweep: &'a Sweep,
    looked_at: usize,
    ended: Vec<Ended>,
}

impl Round<'_> {
    fn is_over(&self) -> bool {
        self.looked_at >= LOOKED_AT || self.ended.len() >= self.sweep.limit as usize
    }
}

impl Inner {
    /// Goes on where the last sweep of this store has stopped, at most once around. If it fails on the way, what it has
    /// handed out so far is the answer: it would be lost otherwise.
    pub(crate) fn sweep(&self, sweep: &Sweep, caller: &Caller) -> Result<Vec<Ended>> {
        let mut cursor = self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
        cursor.begin(self.epoch()?);
        let mut round = Round { sweep, looked_at: 0, ended: Vec::new() };
        for _ in 0..=FOLDERS {
            match self.sweep_folder(&mut round, &mut cursor, caller) {
                Ok(()) if round.is_over() => break,
                Ok(()) => cursor.next_folder(),
                Err(failure) if round.ended.is_empty() => return Err(failure),
                Err(failure) => {
                    tracing::warn!(error = %failure, "a sweep has stopped early");
                    break;
                }
            }
        }
        Ok(round.ended)
    }

    fn sweep_folder(&self, round: &mut Round<'_>, cursor: &mut Cursor, caller: &Caller) -> Result<()> {
        let folder = self.place.folder(cursor.folder);
        for name in sessions_in(&folder)? {
            if cursor.after.as_ref().is_some_and(|after| name <= *after) {
                continue;
            }
            if round.is_over() {
                return Ok(());
            }
            caller.still_there()?;
            round.looked_at += 1;
            let is_due = cursor.thorough > 0 || self.is_due(&folder.join(&name))?;
            if let (true, Some(handle)) = (is_due, handle_of(&name)) {
                match self.hand_out(handle, round, caller) {
                    Ok(ended) => round.ended.extend(ended),
                    // Somebody is at work on it: the next round finds it again.
                    Err(Failure::Busy) => {}
                    Err(failure) => return Err(failure),
                }
            }
            cursor.after = Some(name);
        }
        Ok(())
    }

    fn is_due(&self, file: &Path) -> Result<bool> {
        match if_there(fs::symlink_metadata(file))? {
            Some(found) => Ok(Timestamp::from(found.modified()?) <= self.now()?),
            None => Ok(false),
        }
    }

    /// Hands a session out if it has expired and nobody has claimed it.
    fn hand_out(&self, handle: Handle, round: &Round<'_>, caller: &Caller) -> Result<Option<Ended>> {
        let Some(_lock) = self.lock(handle, caller)? else { return Ok(None) };
        let session = match self.find_of_any_epoch(handle) {
            Ok(Some(session)) if session.epoch() == self.epoch()? => session,
            Ok(Some(session)) => return self.remove(&session).map(|()| None),
            Ok(None) => return self.remove_file(handle).map(|()| None),
            Err(Failure::Damaged(Damaged::Part(part))) => {
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
        self.hand_out_expired(&session, now, round.sweep).map(Some)
    }

    fn hand_out_expired(&self, session: &Session, now: Timestamp, sweep: &Sweep) -> Result<Ended> {
        let ended = session.ended(session.record.end_reason(), now, &sweep.select)?;
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
        if self.epoch.replace(epoch).is_some_and(|before| before != epoch) {
            self.thorough = FOLDERS + 1;
        }
    }

    fn next_folder(&mut self) {
        self.folder = (self.folder + 1) % FOLDERS;
        self.after = None;
        self.thorough = self.thorough.saturating_sub(1);
    }
}

/// Returns the names of the sessions in a folder, sorted.
fn sessions_in(folder: &Path) -> Result<Vec<String>> {
    let Some(entries) = if_there(fs::read_dir(folder))? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok().filter(|name| handle_of(name).is_some()));
    }
    names.sort_unstable();
    Ok(names)
}
