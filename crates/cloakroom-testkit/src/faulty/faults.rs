use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::gate::Barrier;
use super::{Call, Fault, Gate, Moment, Operation};

/// Tells a [`Faulty`](super::Faulty) store what to do, and what was asked of it.
///
/// Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    plan: Mutex<Plan>,
    calls: watch::Sender<Vec<Call>>,
}

#[derive(Debug, Default)]
struct Plan {
    faults: HashMap<Operation, Vec<Injected>>,
    barriers: Vec<Barrier>,
}

#[derive(Clone, Copy, Debug)]
struct Injected {
    fault: Fault,
    /// How often it still strikes; `None`: until it is cleared.
    left: Option<u32>,
}

impl Faults {
    /// Makes every operation of this kind go wrong, until [`clear`](Self::clear).
    ///
    /// Faults of one kind of operation strike in the order in which they were injected, each when the one before is used
    /// up.
    pub fn inject(&self, operation: Operation, fault: Fault) {
        self.add(operation, Injected { fault, left: None });
    }

    /// Makes the next `times` operations of this kind go wrong.
    pub fn inject_times(&self, operation: Operation, times: u32, fault: Fault) {
        if times > 0 {
            let left = Some(times);
            self.add(operation, Injected { fault, left });
        }
    }

    /// Takes back what was injected for this kind of operation. What has begun to hang or to wait goes on doing so.
    pub fn clear(&self, operation: Operation) {
        self.plan().faults.remove(&operation);
    }

    /// Stops every operation of this kind at a gate, until the gate is opened or dropped.
    ///
    /// An operation that several gates are for is stopped by the one that was made first.
    pub fn hold(&self, operation: Operation, moment: Moment) -> Gate {
        self.stop(operation, moment, None)
    }

    /// Stops the next operation of this kind at a gate, and lets those after it pass.
    pub fn hold_next(&self, operation: Operation, moment: Moment) -> Gate {
        self.stop(operation, moment, Some(1))
    }

    /// Returns what was asked of the store, in the order in which it arrived.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.0.calls.borrow().clone()
    }

    /// Returns how many operations of this kind have arrived, whatever became of them.
    #[must_use]
    pub fn count(&self, operation: Operation) -> usize {
        count(&self.0.calls.borrow(), operation)
    }

    /// Waits until `times` operations of this kind have arrived.
    pub async fn called(&self, operation: Operation, times: usize) {
        let mut calls = self.0.calls.subscribe();
        // It cannot fail: the sender lives as long as `self`.
        let _ = calls.wait_for(|calls| count(calls, operation) >= times).await;
    }

    /// Forgets what was asked of the store, so that counting starts anew.
    pub fn forget_calls(&self) {
        self.0.calls.send_modify(Vec::clear);
    }

    /// Records that an operation has arrived, and returns what is to go wrong with it.
    pub(super) fn arrive(&self, call: Call) -> Option<Fault> {
        let operation = call.operation();
        self.0.calls.send_modify(|calls| calls.push(call));
        self.plan().next_fault(operation)
    }

    /// Waits at a gate, if there is one.
    pub(super) async fn pass(&self, operation: Operation, moment: Moment) {
        let barrier = self.plan().next_barrier(operation, moment);
        if let Some(barrier) = barrier {
            barrier.wait().await;
        }
    }

    fn add(&self, operation: Operation, injected: Injected) {
        self.plan().faults.entry(operation).or_default().push(injected);
    }

    fn stop(&self, operation: Operation, moment: Moment, left: Option<usize>) -> Gate {
        let (barrier, gate) = Barrier::new(operation, moment, left);
        self.plan().barriers.push(barrier);
        gate
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plan {
    fn next_fault(&mut self, operation: Operation) -> Option<Fault> {
        let faults = self.faults.get_mut(&operation)?;
        let first = faults.first_mut()?;
        let fault = first.fault;
        if let Some(left) = &mut first.left {
            *left -= 1;
        }
        faults.retain(|injected| injected.left != Some(0));
        Some(fault)
    }

    fn next_barrier(&mut self, operation: Operation, moment: Moment) -> Option<Barrier> {
        self.barriers.retain(|barrier| !barrier.is_open());
        let mut barriers = self.barriers.iter_mut();
        barriers.find_map(|barrier| barrier.stops(operation, moment).then(|| barrier.clone()))
    }
}

fn count(calls: &[Call], operation: Operation) -> usize {
    calls.iter().filter(|call| call.operation() == operation).count()
}
