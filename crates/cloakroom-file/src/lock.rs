//! Advisory locks that processes and threads wait for.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Failure, Result};
use crate::files;
use crate::job::Caller;

/// How long a lock is waited for, as long as SQLite's stores wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(2);

/// A lock, held until it is dropped.
///
/// It is on a file that is locked and nothing else: it is never replaced nor removed, so whoever has waited for it has the
/// same lock as everybody. `flock` belongs to the open file and not to the process, so that it also keeps the threads of
/// one process apart; over NFS it is a lock on the server.
#[derive(Debug)]
#[must_use]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for a lock. Asks again and again, because a thread that waits in the system call itself could not be called
    /// off; so there is no queue, and nobody may share a lock: whoever shares one could keep others from it for ever.
    pub(crate) fn exclusive(path: &Path, caller: &Caller, patience: Duration) -> Result<Self> {
        let file = files::writable(path, true)?;
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
            caller.still_there()?;
            if began.elapsed() > patience {
                return Err(Failure::Busy);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        caller.still_there()?;
        Ok(Self { _file: file })
    }
}
