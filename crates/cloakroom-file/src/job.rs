//! Work that blocks, off the async runtime.

use std::sync::{Arc, Weak};

use cloakroom_core::{Error, ErrorKind};
use tokio::sync::Semaphore;

use crate::error::{Failure, Result};

/// How many operations of a store are at work at once. The others wait without a thread.
const AT_ONCE: usize = 64;

/// Runs operations on tokio's threads for blocking work.
#[derive(Clone, Debug)]
pub(crate) struct Jobs(Arc<Semaphore>);

impl Default for Jobs {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Jobs {
    /// Runs a job to its end. If the future is dropped, the job is told so, and stops where it would have to wait.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        job: impl FnOnce(&Caller) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, Error> {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        let permit = permit.map_err(|closed| Error::new(ErrorKind::Other, operation, closed))?;
        let waiting = Arc::new(());
        let caller = Caller(Some(Arc::downgrade(&waiting)));
        let done = tokio::task::spawn_blocking(move || {
            let result = job(&caller);
            drop(permit);
            result
        });
        let result = done.await.map_err(|stopped| Error::new(ErrorKind::Other, operation, stopped))?;
        drop(waiting);
        result.map_err(|failure| failure.during(operation))
    }
}

/// Whoever waits for a job's answer.
#[derive(Debug)]
pub(crate) struct Caller(Option<Weak<()>>);

impl Caller {
    /// Stands for whoever asked, where what has begun must not be called off any more.
    pub(crate) const CERTAIN: Self = Self(None);

    /// Fails if nobody waits for the answer any more.
    pub(crate) fn still_there(&self) -> Result<()> {
        match &self.0 {
            Some(waiting) if waiting.strong_count() == 0 => Err(Failure::Abandoned),
            _ => Ok(()),
        }
    }
}
