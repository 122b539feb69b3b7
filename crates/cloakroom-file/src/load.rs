use std::time::Duration;

use cloakroom_core::{ErrorKind, Load, Loaded, Record};

use crate::error::{Failure, Result};
use crate::inner::{Inner, may_be_a_writer};
use crate::job::Caller;
use crate::lock::PATIENCE;
use crate::session::{Edits, Session};

/// How long a load waits to record an access that a later one can record as well.
const TOUCH_PATIENCE: Duration = Duration::from_millis(500);

/// What a load has found.
enum Seen {
    /// There is nothing to be recorded.
    Whole(Loaded),
    /// An access is due.
    Due { answer: Loaded, is_urgent: bool },
}

impl Inner {
    /// Reads without a lock, and once more with it if an access is to be recorded or what was found makes no sense.
    pub(crate) fn load(&self, load: &Load, caller: &Caller) -> Result<Loaded> {
        match self.seen(load) {
            Ok(Seen::Whole(answer)) => Ok(answer),
            Ok(Seen::Due { answer, is_urgent }) => {
                let patience = if is_urgent { PATIENCE } else { TOUCH_PATIENCE };
                match self.load_and_touch(load, caller, patience) {
                    Err(failure) if !is_urgent && may_pass(&failure) => {
                        let handle = load.guard.handle;
                        tracing::warn!(%handle, error = %failure, "an access could not be recorded, and is left to the next load");
                        Ok(answer)
                    }
                    result => result,
                }
            }
            Err(failure) if may_be_a_writer(&failure) => self.load_and_touch(load, caller, PATIENCE),
            Err(failure) => Err(failure),
        }
    }

    fn seen(&self, load: &Load) -> Result<Seen> {
        let Some(mut session) = self.glance(load.guard.handle)?.filter(Session::is_open) else {
            return Ok(Seen::Whole(Loaded::Absent));
        };
        let now = self.now()?;
        let admission = session.record.admit(&load.guard.proof, now);
        let standing = match admission.standing() {
            Ok(standing) => standing,
            Err(answer) => return Ok(Seen::Whole(answer)),
        };
        let answer = Loaded::Open(session.open(standing, now, &load.select)?);
        let record = &mut session.record;
        let is_urgent = now.since(record.accessed_at) >= record.max_inactive_interval / 2;
        Ok(if record.access(admission, now, load.touch) {
            Seen::Due { answer, is_urgent }
        } else {
            Seen::Whole(answer)
        })
    }

    fn load_and_touch(&self, load: &Load, caller: &Caller, patience: Duration) -> Result<Loaded> {
        let handle = load.guard.handle;
        let Some(_lock) = self.lock_within(handle, caller, patience)? else { return Ok(Loaded::Absent) };
        let Some(session) = self.find(handle)?.filter(Session::is_open) else {
            return Ok(Loaded::Absent);
        };
        let now = self.now()?;
        let admission = session.record.admit(&load.guard.proof, now);
        let standing = match admission.standing() {
            Ok(standing) => standing,
            Err(answer) => return Ok(answer),
        };
        let answer = Loaded::Open(session.open(standing, now, &load.select)?);
        let mut record = session.record.clone();
        if record.access(admission, now, load.touch) {
            self.store_access(&session, &record)?;
        }
        Ok(answer)
    }

    /// Stores an access in place; only one that shows a renewed ticket for the first time changes more than that.
    fn store_access(&self, session: &Session, record: &Record) -> Result<()> {
        let accessed_at = record.accessed_at;
        if *record == (Record { accessed_at, ..session.record.clone() }) {
            session.touch(record)
        } else {
            session.write(&self.keeping(session.handle()), record, false, &Edits::new())
        }
    }
}

fn may_pass(failure: &Failure) -> bool {
    matches!(failure.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Full)
}
