use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cloakroom_core::{Clock, Timestamp};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, futimens};

use crate::error::Result;
use crate::files;

/// How long a reading of the file server's clock is used.
const FRESH: Duration = Duration::from_secs(1);

/// Where the store reads the time.
#[derive(Debug)]
pub(crate) enum Time {
    Given(Arc<dyn Clock>),
    Server(ServerClock),
}

impl Time {
    pub(crate) fn now(&self) -> Result<Timestamp> {
        match self {
            Self::Given(clock) => Ok(clock.now()),
            Self::Server(clock) => clock.now(),
        }
    }
}

/// The clock of the machine that keeps the files, be it this one or a file server.
///
/// It is read by asking for a file's time of modification to be set to "now", which that machine does, and looking what
/// it is. Between two readings this machine's monotonic clock goes on from the last one.
#[derive(Debug)]
pub(crate) struct ServerClock {
    path: PathBuf,
    last: Mutex<Option<(Timestamp, Instant)>>,
}

impl ServerClock {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, last: Mutex::default() }
    }

    fn now(&self) -> Result<Timestamp> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, at)) = *last {
            let since = at.elapsed();
            if since < FRESH {
                return Ok(read.plus(since));
            }
        }
        let read = self.read()?;
        *last = Some((read, Instant::now()));
        Ok(read)
    }

    fn read(&self) -> Result<Timestamp> {
        let file = files::writable(&self.path, true)?;
        let special = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
        let now = Timestamps { last_access: special(UTIME_OMIT), last_modification: special(UTIME_NOW) };
        futimens(&file, &now)?;
        Ok(file.metadata()?.modified()?.into())
    }
}
