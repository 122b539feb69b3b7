use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long after a server was left no connection is kept. One that was being given back just then comes back to the pool
/// meanwhile: that takes a message to the server and back.
const LEAVING: Duration = Duration::from_millis(100);

/// How long after a server was left it may be left again. A server that stays read-only must not cost a connection for each
/// write that it refuses and for each that is open.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells which connections are from before a server was left because it takes no writes.
#[derive(Debug, Default)]
pub(super) struct Departure(Mutex<Left>);

#[derive(Debug, Default)]
struct Left {
    /// How often.
    count: u64,
    last: Option<Instant>,
    is_leaving: bool,
}

/// When a connection was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Era {
    departures: u64,
    /// Nothing that is idle is to be used, nor what is taken now to be kept.
    pub(super) is_leaving: bool,
}

impl Departure {
    /// Leaves the server, unless that was done just now. Returns whether it was done.
    pub(super) fn begin(&self) -> bool {
        let mut left = self.left();
        let is_due = left.last.is_none_or(|last| last.elapsed() >= PAUSE);
        if is_due {
            *left = Left { count: left.count + 1, last: Some(Instant::now()), is_leaving: true };
        }
        is_due
    }

    /// Returns when it is. The first to ask once the server was left long enough ago is still told that it is being left: so
    /// what came back meanwhile is not used.
    pub(super) fn era(&self) -> Era {
        let mut left = self.left();
        let era = Era { departures: left.count, is_leaving: left.is_leaving };
        left.is_leaving = left.is_leaving && left.last.is_some_and(|last| last.elapsed() < LEAVING);
        era
    }

    /// Returns whether a connection that was taken then may be used again.
    pub(super) fn keeps(&self, taken: Era) -> bool {
        !taken.is_leaving && taken.departures == self.left().count
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
