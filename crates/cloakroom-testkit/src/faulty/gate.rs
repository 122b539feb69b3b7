use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::Operation;

/// When an operation is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Moment {
    /// Before it is applied.
    Before,
    /// After it was applied, before it is answered.
    After,
}

/// Holds operations until it is opened.
///
/// Dropping it opens it, so that a test that fails does not hang.
#[derive(Debug)]
#[must_use = "a gate that is dropped is open"]
pub struct Gate {
    permits: Arc<Semaphore>,
    arrived: watch::Receiver<usize>,
}

impl Gate {
    /// Waits until an operation has arrived at this gate.
    pub async fn arrived(&self) {
        self.arrivals(1).await;
    }

    /// Waits until `count` operations have arrived at this gate since it was made. Those that went on, or whose future
    /// was dropped, count as well.
    pub async fn arrivals(&self, count: usize) {
        let mut arrived = self.arrived.clone();
        // An error means that the gate's other half is gone, and no operation will arrive any more.
        if arrived.wait_for(|so_far| *so_far >= count).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Lets `count` operations go on, now or when they arrive.
    pub fn let_pass(&self, count: usize) {
        self.permits.add_permits(count);
    }

    /// Lets all operations go on, those that are held and those to come.
    pub fn open(self) {
        drop(self);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.permits.close();
    }
}

/// The other half of a [`Gate`]: where operations arrive.
#[derive(Clone, Debug)]
pub(super) struct Barrier {
    operation: Operation,
    moment: Moment,
    permits: Arc<Semaphore>,
    arrived: watch::Sender<usize>,
    /// How many operations it still stops; `None`: all.
    left: Option<usize>,
}

impl Barrier {
    pub(super) fn new(operation: Operation, moment: Moment, left: Option<usize>) -> (Self, Gate) {
        let permits = Arc::new(Semaphore::new(0));
        let (sender, arrived) = watch::channel(0);
        let barrier = Self { operation, moment, permits: Arc::clone(&permits), arrived: sender, left };
        (barrier, Gate { permits, arrived })
    }

    pub(super) fn is_open(&self) -> bool {
        self.permits.is_closed()
    }

    /// Returns whether it stops this operation, and counts it if so.
    pub(super) fn stops(&mut self, operation: Operation, moment: Moment) -> bool {
        let is_meant = (self.operation, self.moment) == (operation, moment);
        if !is_meant || self.left == Some(0) {
            return false;
        }
        self.left = self.left.map(|left| left - 1);
        true
    }

    pub(super) async fn wait(self) {
        self.arrived.send_modify(|so_far| *so_far += 1);
        if let Ok(permit) = self.permits.acquire().await {
            permit.forget();
        }
    }
}
