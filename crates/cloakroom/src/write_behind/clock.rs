use cloakroom_core::{Clock, Timestamp};
use tokio::time::Instant;

/// The time since this clock was started, on tokio's clock, which a test may pause.
#[derive(Debug)]
pub(super) struct Elapsed(Instant);

/// Later than any age that is counted back from it.
const START: Timestamp = Timestamp::from_millis(1 << 40);

impl Elapsed {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Elapsed {
    fn now(&self) -> Timestamp {
        START.plus(self.0.elapsed())
    }
}
