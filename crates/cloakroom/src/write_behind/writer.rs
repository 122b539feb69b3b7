use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use cloakroom_core::{Error, Store};
use tokio::time::Instant;

use super::shared::{Extent, Shared};
use crate::error::Chain;
use crate::telemetry;

/// How often the age of the oldest commit is told, at least, while there is one.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How long to wait before what is left at the end is tried again, the first time and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

impl<S: Store> Shared<S> {
    /// Has the background task running. It is started by the first commit that is held back, and so in a tokio runtime.
    pub(super) fn ensure_writer(self: &Arc<Self>) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.as_ref().is_none_or(tokio::task::JoinHandle::is_finished) {
            *writer = Some(tokio::spawn(supervise(Arc::clone(self))));
        }
    }
}

/// Runs the writer, and again should it panic.
async fn supervise<S: Store>(shared: Arc<Shared<S>>) {
    while let Err(stopped) = tokio::spawn(run(Arc::clone(&shared))).await {
        if !stopped.is_panic() {
            return;
        }
        tracing::error!("the task that writes sessions held back panicked; starting it again");
        tokio::time::sleep(TELL_EVERY).await;
    }
}

/// Writes each session when its time has come, until the last handle is gone; then all that is left.
async fn run<S: Store>(shared: Arc<Shared<S>>) {
    while !shared.closed.load(Ordering::Acquire) {
        let oldest = shared.account().oldest();
        telemetry::held_back_oldest(oldest.map(|first| shared.clock.now().since(first)));
        match shared.next_due() {
            Ok(lane) => {
                let Ok(permit) = Arc::clone(&shared.permits).acquire_owned().await else { return };
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let _ = shared.write(&lane, Extent::Due).await;
                    drop(permit);
                });
            }
            Err(pause) => {
                let pause = if oldest.is_some() { Some(pause.unwrap_or(TELL_EVERY)) } else { pause };
                wait(&shared, pause).await;
            }
        }
    }
    if let Err(error) = write_the_rest(&shared).await {
        tracing::error!(error = %Chain(&error), "sessions held back could not be written at the end");
    }
    for lane in shared.held(|_, _| true) {
        shared.give_up(&lane, &mut lane.state(), "stopped");
    }
}

/// Writes all that is held back, and tries again for as long as one write may take.
async fn write_the_rest<S: Store>(shared: &Arc<Shared<S>>) -> Result<(), Error> {
    let (began, mut pause) = (Instant::now(), PAUSES.0);
    loop {
        let written = shared.write_all(shared.held(|_, _| true)).await;
        if written.is_ok() || began.elapsed() + pause > shared.settings.write_timeout {
            return written;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

async fn wait<S: Store>(shared: &Shared<S>, pause: Option<Duration>) {
    let woken = shared.wake.notified();
    match pause {
        // At least a millisecond: a store's clock that stands still must not keep this task busy.
        Some(pause) => {
            let pause = pause.clamp(Duration::from_millis(1), TELL_EVERY);
            let _ = tokio::time::timeout(pause, woken).await;
        }
        None => woken.await,
    }
}
