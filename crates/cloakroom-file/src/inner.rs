use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom_core::{Handle, Timestamp};

use crate::error::{Damaged, Failure, Result, if_there};
use crate::files;
use crate::job::Caller;
use crate::lock::{Lock, PATIENCE};
use crate::place::Place;
use crate::session::{Keeping, Session};
use crate::sweep::Cursor;
use crate::time::Time;

/// What all clones of a store share. Everything here blocks.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) place: Place,
    pub(crate) namespace: Arc<str>,
    time: Time,
    pub(crate) is_durable: bool,
    pub(crate) cursor: Mutex<Cursor>,
}

impl Inner {
    pub(crate) fn new(place: Place, namespace: Arc<str>, time: Time, is_durable: bool) -> Self {
        Self { place, namespace, time, is_durable, cursor: Mutex::default() }
    }

    pub(crate) fn now(&self) -> Result<Timestamp> {
        self.time.now()
    }

    pub(crate) fn epoch(&self) -> Result<u64> {
        Ok(self.place.read_state()?.epoch)
    }

    pub(crate) fn ping(&self) -> Result<()> {
        self.place.read_state()?;
        self.now().map(drop)
    }

    pub(crate) fn keeping(&self, handle: Handle) -> Keeping {
        Keeping { path: self.place.session(handle), is_durable: self.is_durable }
    }

    /// Takes the lock that whoever changes a session has. `None`: there cannot be such a session.
    pub(crate) fn lock(&self, handle: Handle, caller: &Caller) -> Result<Option<Lock>> {
        self.lock_within(handle, caller, PATIENCE)
    }

    pub(crate) fn lock_within(
        &self,
        handle: Handle,
        caller: &Caller,
        patience: Duration,
    ) -> Result<Option<Lock>> {
        let lock = self.place.folder_of(handle).join("lock");
        let lock = unless_missing(Lock::exclusive(&lock, caller, patience))?;
        if lock.is_none() {
            // That there is no such folder must not be because the whole directory is away.
            self.epoch()?;
        }
        Ok(lock)
    }

    /// Opens a session's file to be changed; the caller has the lock. `None`: there is none, or it ended with everybody's.
    pub(crate) fn find(&self, handle: Handle) -> Result<Option<Session>> {
        let session = self.find_of_any_epoch(handle)?;
        self.of_this_epoch(session)
    }

    pub(crate) fn find_of_any_epoch(&self, handle: Handle) -> Result<Option<Session>> {
        read(if_there(files::writable(&self.place.session(handle), false))?, handle)
    }

    /// Leaves a session out that ended with everybody's. The epoch is read after the session, so that it is not older.
    pub(crate) fn of_this_epoch(&self, session: Option<Session>) -> Result<Option<Session>> {
        let epoch = self.epoch()?;
        Ok(session.filter(|session| session.epoch() == epoch))
    }

    /// Reads a session without a lock. It fails if what it finds may be explained by somebody who is writing.
    pub(crate) fn glance(&self, handle: Handle) -> Result<Option<Session>> {
        let session = read(if_there(files::readable(&self.place.session(handle)))?, handle)?;
        if session.as_ref().is_some_and(|session| session.is_unsure) {
            return Err(Damaged::Part("slots").into());
        }
        self.of_this_epoch(session)
    }

    /// Reads a session, with the lock if it has to be.
    pub(crate) fn look(&self, handle: Handle, caller: &Caller) -> Result<Option<Session>> {
        match self.glance(handle) {
            Err(failure) if may_be_a_writer(&failure) => match self.lock(handle, caller)? {
                Some(_lock) => self.find(handle),
                None => Ok(None),
            },
            result => result,
        }
    }
}

fn read(file: Option<File>, handle: Handle) -> Result<Option<Session>> {
    let Some(file) = file else { return Ok(None) };
    let session = Session::read(file)?;
    if session.as_ref().is_some_and(|session| session.handle() != handle) {
        return Err(Damaged::Part("header").into());
    }
    Ok(session)
}

/// Returns whether reading again with the lock may find it sound.
pub(crate) fn may_be_a_writer(failure: &Failure) -> bool {
    matches!(failure, Failure::Damaged(_)) || failure.is_stale()
}

/// Takes a folder that is not there for an answer.
pub(crate) fn unless_missing<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Failure::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}
