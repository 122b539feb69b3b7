use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long after an attempt to connect that failed the next one is made. Until then nobody else tries.
const PAUSE: Duration = Duration::from_millis(100);

/// How many attempts in a row have to fail for that. One alone may have been an accident.
const MANY: u32 = 3;

/// Keeps a server that is away from being overrun when it comes back: once several attempts to connect have failed, there
/// is one in each pause, and whoever else needs a connection meanwhile fails at once.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<Failed>);

#[derive(Debug, Default)]
struct Failed {
    /// In a row.
    count: u32,
    last: Option<Instant>,
}

impl Attempts {
    /// Asks for leave to connect.
    ///
    /// # Errors
    ///
    /// When attempts have failed just now, or one is under way to see whether the server is back.
    pub(crate) fn begin(&self) -> Result<(), sqlx::Error> {
        let mut failed = self.failed();
        if failed.count >= MANY {
            if failed.last.is_some_and(|last| last.elapsed() < PAUSE) {
                return Err(sqlx::Error::Io(io::Error::other(StillAway)));
            }
            failed.last = Some(Instant::now());
        }
        Ok(())
    }

    /// Takes note of how an attempt ended.
    pub(crate) fn end(&self, has_failed: bool) {
        let mut failed = self.failed();
        let count = if has_failed { failed.count.saturating_add(1) } else { 0 };
        *failed = Failed { count, last: Some(Instant::now()) };
    }

    fn failed(&self) -> MutexGuard<'_, Failed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last attempts to connect have failed.
#[derive(Debug)]
struct StillAway;

impl fmt::Display for StillAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the last attempts to connect have failed just now")
    }
}

impl std::error::Error for StillAway {}
