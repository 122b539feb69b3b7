use cloakroom_core::{
    Admission, EndReason, Ended, Guard, Handle, Invalidate, Invalidated, Principal, Select, Timestamp,
};

use crate::error::{Result, if_there};
use crate::files;
use crate::inner::Inner;
use crate::job::Caller;
use crate::session::Session;
use crate::state::State;

/// When a session can be handed out that has expired and then was to be ended: at once.
const SEALED: Timestamp = Timestamp::from_millis(1);

/// A session that has expired but was not handed out yet is *sealed* instead of removed: a sweep still hands it out, and a
/// commit that was held back since it was live does not revive it.
impl Inner {
    pub(crate) fn invalidate(&self, invalidate: &Invalidate, caller: &Caller) -> Result<Invalidated> {
        match invalidate {
            Invalidate::Ticket(guard) => self.end_by_ticket(guard, caller),
            Invalidate::Handle { handle, owner } => self.end_by_handle(*handle, owner.as_ref(), caller),
            Invalidate::Principal { principal, except } => self.end_all_of(principal, *except, caller),
            Invalidate::Everyone => self.end_everyones(caller),
        }
    }

    fn end_by_ticket(&self, guard: &Guard, caller: &Caller) -> Result<Invalidated> {
        let Some(_lock) = self.lock(guard.handle, caller)? else { return Ok(done(None)) };
        let Some(session) = self.find(guard.handle)? else { return self.nothing_ended(guard.handle) };
        match session.record.admit_to_end(&guard.proof, self.now()?) {
            Admission::Current | Admission::Previous(_) => {
                Ok(done(self.end(&session, EndReason::Invalidated, &Select::default())?))
            }
            Admission::Superseded if session.is_open() => Ok(Invalidated::Superseded),
            Admission::Superseded | Admission::Refused => self.nothing_ended(guard.handle),
        }
    }

    fn end_by_handle(
        &self,
        handle: Handle,
        owner: Option<&Principal>,
        caller: &Caller,
    ) -> Result<Invalidated> {
        let Some(_lock) = self.lock(handle, caller)? else { return Ok(done(None)) };
        match self.find(handle)? {
            Some(session) if owner.is_none() || session.record.principal.as_ref() == owner => {
                Ok(done(self.end(&session, EndReason::Invalidated, &Select::default())?))
            }
            _ => self.nothing_ended(handle),
        }
    }

    fn nothing_ended(&self, handle: Handle) -> Result<Invalidated> {
        self.settle(handle)?;
        Ok(done(None))
    }

    fn end_all_of(
        &self,
        principal: &Principal,
        except: Option<Handle>,
        caller: &Caller,
    ) -> Result<Invalidated> {
        let _lock = self.lock_principal(principal, caller)?;
        let mut theirs = self.entries(principal)?;
        theirs.retain(|handle| Some(*handle) != except);
        Ok(Invalidated::Done(self.end_each(&theirs, principal)?))
    }

    fn end_everyones(&self, caller: &Caller) -> Result<Invalidated> {
        let _lock = self.place.lock(caller)?;
        let State { epoch } = self.place.read_state()?;
        State { epoch: epoch + 1 }.write(&self.place)?;
        Ok(done(None))
    }

    /// Ends a live session, and seals one that has expired. The caller has its lock.
    pub(crate) fn end(&self, session: &Session, reason: EndReason, select: &Select) -> Result<Option<Ended>> {
        let now = self.now()?;
        if !session.is_open() || !session.record.is_live(now) {
            if session.is_open() {
                session.claim(SEALED)?;
            }
            self.settle(session.handle())?;
            return Ok(None);
        }
        let ended = session.ended(reason, now, select)?;
        self.remove(session)?;
        Ok(Some(ended))
    }

    /// Removes a session, and then its entry in the index. The caller has its lock.
    pub(crate) fn remove(&self, session: &Session) -> Result<()> {
        self.remove_file(session.handle())?;
        if let Some(principal) = &session.record.principal {
            self.remove_entry(principal, session.handle());
        }
        Ok(())
    }

    pub(crate) fn remove_file(&self, handle: Handle) -> Result<()> {
        files::remove(&self.place.session(handle))?;
        self.settle(handle)
    }

    /// Waits until what is there of a session, or that nothing is, is on disk. An answer that rests on it must not be given
    /// before: whoever wrote or removed it may have failed to wait.
    pub(crate) fn settle(&self, handle: Handle) -> Result<()> {
        if self.is_durable {
            if let Some(file) = if_there(files::readable(&self.place.session(handle)))? {
                file.sync_all()?;
            }
            if_there(files::sync_folder(&self.place.folder_of(handle)))?;
        }
        Ok(())
    }
}

fn done(ended: Option<Ended>) -> Invalidated {
    Invalidated::Done(ended.into_iter().collect())
}
