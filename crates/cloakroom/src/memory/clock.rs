use std::time::{Instant, SystemTime};

use cloakroom_core::{Clock, Timestamp};

/// The time since the store was made, added to the wall-clock time at that moment: setting the machine's clock neither
/// ends a session early nor lets it live on.
#[derive(Debug)]
pub(super) struct MonotonicClock {
    began_at: Timestamp,
    began: Instant,
}

impl MonotonicClock {
    pub(super) fn start() -> Self {
        Self::start_at(SystemTime::now().into())
    }

    /// Starts with another time than the machine's.
    pub(super) fn start_at(began_at: Timestamp) -> Self {
        Self { began_at, began: Instant::now() }
    }
}

impl Clock for MonotonicClock {
    fn now(&self) -> Timestamp {
        self.began_at.plus(self.began.elapsed())
    }
}
