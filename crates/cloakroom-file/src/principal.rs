//! Which sessions a principal is signed in to.
//!
//! An entry is made before the session is bound, and removed after it has ended, both by whoever has the session's lock. So
//! there may be one too many, never one too few: whoever reads an entry asks the session, and removes one that is wrong, but
//! not before the session's end is on disk: who is to end all of a principal's would not find it otherwise.

use std::fs;
use std::io;

use cloakroom_core::{Bind, EndReason, Ended, Handle, OverLimit, Principal, Select, SessionInfo, Timestamp};

use crate::error::{Failure, Result, if_there};
use crate::files;
use crate::inner::{Inner, unless_missing};
use crate::job::Caller;
use crate::lock::{Lock, PATIENCE};
use crate::place::handle_of;

/// What a sign-in means for the principal's other sessions.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// These must end.
    pub(crate) ending: Vec<Handle>,
    /// Or it must be refused.
    pub(crate) refusal: Option<OverLimit>,
    /// Whether they are signed in to this session already.
    pub(crate) is_theirs: bool,
}

impl Inner {
    /// Takes the lock under which one signs in, or ends all of a principal's sessions. Always before any session's lock.
    pub(crate) fn lock_principal(&self, principal: &Principal, caller: &Caller) -> Result<Lock> {
        let folder = self.place.principals(principal);
        self.make_folder(&folder)?;
        Lock::exclusive(&folder.join("lock"), caller, PATIENCE)
    }

    pub(crate) fn sessions_of(&self, principal: &Principal, caller: &Caller) -> Result<Vec<SessionInfo>> {
        self.epoch()?;
        let lock = self.place.principals(principal).join("lock");
        let lock = unless_missing(Lock::exclusive(&lock, caller, PATIENCE))?;
        let Some(_lock) = lock else { return Ok(Vec::new()) };
        self.infos(principal, caller)
    }

    /// Lists the live sessions that can be read, oldest sign-in first.
    fn infos(&self, principal: &Principal, caller: &Caller) -> Result<Vec<SessionInfo>> {
        let mut infos = Vec::new();
        let mut now = Timestamp::default();
        for handle in self.entries(principal)? {
            let session = match self.look(handle, caller) {
                Err(Failure::Damaged(damaged)) => {
                    tracing::warn!(%handle, %damaged, "a session that cannot be read is left out");
                    continue;
                }
                session => session?,
            };
            let theirs = session.filter(|it| it.record.principal.as_ref() == Some(principal));
            let Some(session) = theirs else {
                self.prune(principal, handle, caller)?;
                continue;
            };
            now = now.max(self.now()?);
            if session.is_open() && session.record.is_live(now) {
                infos.push(session.info());
            }
        }
        infos.sort_unstable_by_key(|info| (info.signed_in_at, info.handle));
        Ok(infos)
    }

    /// Returns what it means for the principal's other sessions when `bind` signs in to `handle`. The caller has the
    /// principal's lock.
    pub(crate) fn room_for(&self, bind: &Bind, handle: Handle, caller: &Caller) -> Result<Room> {
        let Some(max) = bind.max_sessions else { return Ok(Room::default()) };
        let mut infos = self.infos(&bind.principal, caller)?;
        let all = infos.len();
        infos.retain(|info| info.handle != handle);
        let is_theirs = infos.len() < all;
        let others = infos.iter().map(|it| (it.signed_in_at.unwrap_or_default(), it.handle)).collect();
        Ok(match max.make_room(others) {
            Ok(ending) => Room { ending, refusal: None, is_theirs },
            Err(over) => Room { ending: Vec::new(), refusal: Some(over), is_theirs },
        })
    }

    /// Ends those of these sessions that are the principal's. One that cannot be read ends as well; only nobody is told of
    /// it. The caller has the principal's lock, so that nobody signs in to another meanwhile. It is not called off between
    /// two of them.
    pub(crate) fn end_each(&self, handles: &[Handle], principal: &Principal) -> Result<Vec<Ended>> {
        let mut ended = Vec::new();
        for handle in handles {
            let one = self.end_one_of(*handle, principal);
            ended.extend(one.map_err(|failure| Failure::Midway(Box::new(failure)))?);
        }
        Ok(ended)
    }

    fn end_one_of(&self, handle: Handle, principal: &Principal) -> Result<Option<Ended>> {
        let Some(_lock) = self.lock(handle, &Caller::CERTAIN)? else { return Ok(None) };
        let session = match self.find(handle) {
            Err(Failure::Damaged(damaged)) => {
                tracing::warn!(%handle, %damaged, "a session that cannot be read has ended with its principal's others");
                self.remove_file(handle)?;
                None
            }
            session => session?,
        };
        let Some(session) = session.filter(|it| it.record.principal.as_ref() == Some(principal)) else {
            self.settle(handle)?;
            self.remove_entry(principal, handle);
            return Ok(None);
        };
        self.end(&session, EndReason::Invalidated, &Select::default())
    }

    pub(crate) fn entries(&self, principal: &Principal) -> Result<Vec<Handle>> {
        let Some(folder) = if_there(fs::read_dir(self.place.principal(principal)))? else {
            return Ok(Vec::new());
        };
        let mut handles = Vec::new();
        for entry in folder {
            handles.extend(entry?.file_name().to_str().and_then(handle_of));
        }
        Ok(handles)
    }

    /// Makes an entry. The caller has the session's lock.
    pub(crate) fn add_entry(&self, principal: &Principal, handle: Handle) -> Result<()> {
        let (folder, entry) = (self.place.principal(principal), self.place.entry(principal, handle));
        loop {
            self.make_folder(&folder)?;
            match files::create(&entry) {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => break,
                // Somebody has removed the folder, which was empty.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.is_durable {
            files::sync_folder(&folder)?;
        }
        Ok(())
    }

    /// Removes an entry, and the principal's folder if that was the last one. The caller has the session's lock.
    pub(crate) fn remove_entry(&self, principal: &Principal, handle: Handle) {
        // What stays is one too many, and removed by whoever reads it.
        drop(files::remove(&self.place.entry(principal, handle)));
        drop(fs::remove_dir(self.place.principal(principal)));
    }

    /// Removes an entry that turned out to be wrong, unless it is right by now.
    fn prune(&self, principal: &Principal, handle: Handle, caller: &Caller) -> Result<()> {
        let _lock = self.lock(handle, caller)?;
        let session = self.find(handle);
        let is_theirs = match &session {
            Ok(Some(session)) => session.record.principal.as_ref() == Some(principal),
            Ok(None) => false,
            Err(_) => true,
        };
        if !is_theirs {
            self.settle(handle)?;
            self.remove_entry(principal, handle);
        }
        Ok(())
    }
}
