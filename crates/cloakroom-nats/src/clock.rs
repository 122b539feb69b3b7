use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cloakroom_core::Timestamp;

use crate::error::Failure;
use crate::jet::Jet;
use crate::subjects::Kept;

/// After how long the server is asked again.
const FRESH: Duration = Duration::from_secs(10);

/// How old an answer may be that is still gone by.
const USABLE: Duration = Duration::from_secs(60);

/// Who knows the time as well as this need not ask again; an answer is off by half of the time it took, at most.
const GOOD: Duration = Duration::from_millis(2);

/// How many answers the best is taken of, where none is good.
const LOOKS: usize = 5;

/// The server's clock, as far as it is known here.
///
/// NATS tells no time. It tells when it stored a message: so one is stored and read back. It was stored between the moment it was
/// sent and the one at which that was acknowledged. From there on this machine's monotonic clock counts.
#[derive(Debug)]
pub(crate) struct ServerClock {
    subject: String,
    known: Mutex<Known>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    reading: Option<Reading>,
    is_asking: bool,
}

/// One look at the clock.
#[derive(Clone, Copy, Debug)]
struct Reading {
    shown: Timestamp,
    at: Instant,
    /// How much it may be off.
    error: Duration,
}

impl Reading {
    fn now(&self) -> Timestamp {
        self.shown.plus(self.at.elapsed())
    }

    fn is_within(&self, limit: Duration) -> bool {
        self.at.elapsed() < limit
    }
}

impl ServerClock {
    pub(crate) fn new(subject: String) -> Self {
        Self { subject, known: Mutex::default(), asking: tokio::sync::Mutex::default() }
    }

    /// Returns the server's time now.
    pub(crate) async fn now(self: &std::sync::Arc<Self>, jet: &Jet) -> Result<Timestamp, Failure> {
        let known = self.known().reading.filter(|reading| reading.is_within(USABLE));
        let Some(reading) = known else {
            return self.ask(jet).await;
        };
        if !reading.is_within(FRESH) && !std::mem::replace(&mut self.known().is_asking, true) {
            let (clock, jet) = (std::sync::Arc::clone(self), jet.clone());
            tokio::spawn(async move {
                if let Err(failure) = clock.look_around(&jet).await {
                    tracing::debug!(error = %failure.during("clock"), "the server's clock could not be read");
                }
                clock.known().is_asking = false;
            });
        }
        Ok(reading.now())
    }

    /// Takes note that the server has stored something at this time: it is not earlier now.
    pub(crate) fn saw(&self, stored_at: Timestamp) {
        if let Some(reading) = &mut self.known().reading {
            let behind = stored_at.since(reading.now());
            reading.shown = reading.shown.plus(behind);
        }
    }

    /// One asks, and all who need to know wait for that.
    async fn ask(&self, jet: &Jet) -> Result<Timestamp, Failure> {
        let _turn = self.asking.lock().await;
        let known = self.known().reading.filter(|reading| reading.is_within(USABLE));
        match known {
            Some(reading) => Ok(reading.now()),
            None => self.look_around(jet).await,
        }
    }

    /// Reads the clock, and looks at what else may change at the servers without a word.
    async fn look_around(&self, jet: &Jet) -> Result<Timestamp, Failure> {
        let now = self.look(jet).await?;
        if let Err(failure) = jet.refresh().await {
            tracing::debug!(error = %failure.during("streams"), "the streams could not be looked at");
        }
        Ok(now)
    }

    async fn look(&self, jet: &Jet) -> Result<Timestamp, Failure> {
        let mut best: Option<Reading> = None;
        for _ in 0..LOOKS {
            let reading = self.read(jet).await?;
            if best.is_none_or(|best| reading.error < best.error) {
                best = Some(reading);
            }
            if reading.error <= GOOD {
                break;
            }
        }
        let reading = best.ok_or_else(|| Failure::new(cloakroom_core::ErrorKind::Other, "no reading"))?;
        self.known().reading = Some(reading);
        Ok(reading.now())
    }

    async fn read(&self, jet: &Jet) -> Result<Reading, Failure> {
        let sent = Instant::now();
        let sequence = jet.store(&self.subject, Bytes::new()).await?;
        let error = sent.elapsed() / 2;
        let stored = jet.at(Kept::Sessions, sequence).await?;
        let lost =
            || Failure::new(cloakroom_core::ErrorKind::Unavailable, "a message to read the clock by is gone");
        let shown = stored.ok_or_else(lost)?.stored_at;
        let (jet, at) = (jet.clone(), sent + error);
        // Nobody else needs it.
        tokio::spawn(async move { jet.remove(Kept::Sessions, sequence).await });
        Ok(Reading { shown, at, error })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
