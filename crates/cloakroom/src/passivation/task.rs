use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cloakroom_core::{Error, ErrorKind};

use super::Shared;
use super::content::content_to_bytes;
use super::listener::Moved;
use super::parcels::Kept;
use crate::error::Chain;
use crate::telemetry;

/// How many sessions, and how many bytes of them, go to disk in one step.
const BATCH: (usize, u64) = (64, 1 << 20);

/// How many parcels are removed in one step.
const REMOVED: usize = 500;

/// How long the depot may take for one step before it counts as failing.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait before the first new attempt, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How long to wait before passivation goes on after a panic.
const AGAIN: Duration = Duration::from_secs(1);

/// How often the gauges are set when nothing happens.
const IDLE: Duration = Duration::from_secs(10);

impl Shared {
    /// Passivates until the task is stopped, also after a depot or a clock has panicked.
    pub(super) async fn run(self: Arc<Self>) {
        while panics(self.passivate_as_needed()).await {
            tracing::error!(
                "the task that passivates sessions panicked: they stay in memory; starting it again"
            );
            self.progress.send_modify(|is_failing| *is_failing = true);
            tokio::time::sleep(AGAIN).await;
            self.wake.notify_one();
        }
    }

    /// Passivates whenever there is too much in memory.
    async fn passivate_as_needed(&self) {
        let mut pause: Option<Duration> = None;
        loop {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => drop(tokio::time::timeout(IDLE, self.wake.notified()).await),
            }
            let done = self.pass().await;
            self.report(&done);
            self.progress.send_modify(|is_failing| *is_failing = done.is_err());
            telemetry::memory(self.memory.bytes(), self.memory.away());
            pause = done.err().map(|_| pause.map_or(PAUSES.0, |pause| (pause * 2).min(PAUSES.1)));
        }
    }

    async fn pass(&self) -> Result<(), Error> {
        let removed = self.remove_discarded().await;
        for shard in 0..self.memory.shards() {
            if self.memory.cost(shard) > self.marks.high {
                self.relieve(shard).await?;
            }
        }
        removed
    }

    async fn relieve(&self, shard: usize) -> Result<(), Error> {
        while self.passivate(shard, self.marks.low).await? {
            self.progress.send_modify(|_| {});
        }
        Ok(())
    }

    /// Puts a batch of a shard's sessions on disk as long as it takes more than `bytes`, and returns whether there were any.
    pub(super) async fn passivate(&self, shard: usize, bytes: u64) -> Result<bool, Error> {
        let batch = self.memory.oldest(shard, bytes, BATCH);
        if batch.is_empty() {
            return Ok(false);
        }
        // Whatever becomes of this future, the parcels of sessions that did not go are removed again.
        let kept: Vec<Kept> = batch.iter().map(|_| self.parcels.draw()).collect();
        let contents = batch.iter().map(|snapshot| content_to_bytes(&snapshot.content));
        let parcels = kept.iter().map(Kept::number).zip(contents).collect();
        in_time("put", self.depot.put(parcels)).await?;
        for (snapshot, kept) in batch.iter().zip(kept) {
            let tell = |session| self.tell(Moved::Passivated(session));
            if self.memory.put_away(snapshot, kept, tell) {
                telemetry::passivated();
            }
        }
        Ok(true)
    }

    pub(super) async fn remove_discarded(&self) -> Result<(), Error> {
        let discarded = self.parcels.discarded();
        for (step, parcels) in discarded.chunks(REMOVED).enumerate() {
            if let Err(error) = in_time("remove", self.depot.remove(parcels.to_vec())).await {
                self.parcels.discard(&discarded[step * REMOVED..]);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Says once that the disk fails, and once that it works again.
    fn report(&self, done: &Result<(), Error>) {
        match (done, *self.progress.borrow()) {
            (Err(error), false) => {
                tracing::error!(error = %Chain(error), "sessions cannot be passivated: they stay in memory");
            }
            (Ok(()), true) => tracing::info!("sessions are passivated again"),
            _ => {}
        }
    }
}

/// Returns whether this panics. It runs in the same task, so that whoever stops that has stopped all of it.
async fn panics(work: impl Future<Output = ()>) -> bool {
    let mut work = pin!(work);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(polled) => polled.map(|()| false),
        Err(_) => Poll::Ready(true),
    })
    .await
}

async fn in_time<T>(
    operation: &'static str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let done = tokio::time::timeout(PATIENCE, work).await;
    let done = done.unwrap_or_else(|_| Err(Error::of(ErrorKind::Timeout, operation)));
    done.inspect_err(|_| telemetry::depot_failed(operation))
}
