use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Harness;

/// How slow a case may be with an exact clock: some stores leave the record of an access to a later load if it takes half a second.
const WHEN_EXACT: Duration = Duration::from_millis(250);

/// A harness that notes how long a case takes for what ought to take no time.
pub struct Watched<H: Harness> {
    harness: H,
    pace: Arc<Pace>,
}

impl<H: Harness> Watched<H> {
    pub(crate) fn new(harness: H, pace: Arc<Pace>) -> Self {
        let allowed = if harness.is_exact() { WHEN_EXACT } else { harness.unit() / 2 };
        *pace.noted() = Noted { allowed, ..Noted::default() };
        Self { harness, pace }
    }
}

impl<H: Harness> Harness for Watched<H> {
    type Store = H::Store;

    fn store(&self) -> impl Future<Output = Self::Store> + Send {
        self.harness.store()
    }

    fn neighbour(&self) -> impl Future<Output = Self::Store> + Send {
        self.harness.neighbour()
    }

    fn unit(&self) -> Duration {
        self.pace.noted().is_about_time = true;
        self.harness.unit()
    }

    async fn advance(&self, by: Duration) {
        let asked = Instant::now();
        self.harness.advance(by).await;
        let taken = asked.elapsed();
        let overslept = if self.is_exact() { Duration::ZERO } else { taken.saturating_sub(by) };
        self.pace.noted().advanced(asked, overslept);
    }

    fn is_exact(&self) -> bool {
        self.harness.is_exact()
    }
}

/// A case ends before its harness does, which may take long.
impl<H: Harness> Drop for Watched<H> {
    fn drop(&mut self) {
        self.pace.noted().advanced(Instant::now(), Duration::ZERO);
    }
}

impl<H: Harness> fmt::Debug for Watched<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}

/// What is left of a [`Watched`] harness after its case.
#[derive(Default)]
pub(crate) struct Pace(Mutex<Noted>);

impl Pace {
    /// Returns whether the case goes by time, and was so slow that its failure need not be the store's.
    pub(crate) fn was_too_slow(&self) -> bool {
        let noted = self.noted();
        noted.is_about_time && noted.slowest > noted.allowed
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Noted {
    allowed: Duration,
    is_about_time: bool,
    since: Instant,
    slowest: Duration,
}

impl Noted {
    fn advanced(&mut self, asked: Instant, overslept: Duration) {
        let lost = asked.saturating_duration_since(self.since) + overslept;
        self.slowest = self.slowest.max(lost);
        self.since = Instant::now();
    }
}

impl Default for Noted {
    fn default() -> Self {
        Self { allowed: Duration::ZERO, is_about_time: false, since: Instant::now(), slowest: Duration::ZERO }
    }
}
