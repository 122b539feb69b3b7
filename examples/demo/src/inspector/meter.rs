use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::core::{
    AttributeChange, Commit, Committed, Edit, Guard, Intent, Load, Loaded, Outcome, TicketChange, TicketFate,
    Touch,
};

use super::bytes::Bytes;

tokio::task_local! {
    static CURRENT: Meter;
}

/// Counts what one request asks of the store.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter(Arc<Mutex<Tally>>);

/// What was counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// What the store was asked to do, in this order.
    pub(super) operations: Vec<&'static str>,
    /// The names and values of attributes that came from the store.
    pub(super) read: Bytes,
    /// The names and values of attributes that went to it.
    pub(super) written: Bytes,
    /// What the whole session weighed when it was loaded.
    pub(super) held: Bytes,
    /// Whether an attribute was changed.
    pub(super) changed: bool,
    /// What opens the session now, for the panel to look at it.
    pub(super) guard: Option<Guard>,
}

impl Meter {
    /// Runs the work of one request, with this meter as its own.
    pub(super) async fn scope<T>(&self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self.clone(), work).await
    }

    /// Returns the meter of the request at work; outside of any, one that nobody reads.
    pub(super) fn current() -> Self {
        CURRENT.try_with(Self::clone).unwrap_or_default()
    }

    pub(super) fn read(&self) -> Tally {
        self.tally(|tally| tally.clone())
    }

    pub(super) fn noted(&self, operation: &'static str) {
        self.tally(|tally| tally.operations.push(operation));
    }

    pub(super) fn loaded(&self, load: &Load, answer: &Loaded) {
        let Loaded::Open(opened) = answer else { return };
        let values = opened.attributes.iter().map(|it| size(it.name.as_str(), it.value.len()));
        let names = opened.names.iter().flatten().map(|name| size(name.as_str(), 0));
        let carried = values.chain(names).sum();
        let is_first = load.touch != Touch::Never;
        self.tally(|tally| {
            tally.operations.push(if is_first { "load" } else { "fetch" });
            tally.read = tally.read + carried;
            tally.guard = Some(load.guard);
            if is_first {
                tally.held = Bytes(opened.meta.bytes);
            }
        });
    }

    pub(super) fn committed(&self, commit: &Commit, answer: &Outcome) {
        let changes = &commit.changes;
        self.tally(|tally| {
            // What was refused was carried all the same.
            tally.written = tally.written + changes.attributes.iter().map(carried).sum();
            let Outcome::Committed(committed) = answer else {
                return tally.operations.push("commit (refused)");
            };
            let is_create = matches!(commit.intent, Intent::Create(_));
            tally.operations.push(if is_create { "create" } else { "commit" });
            tally.changed |= changes.clear || !changes.attributes.is_empty();
            tally.guard = Some(guard_after(commit, committed));
        });
    }

    fn tally<T>(&self, work: impl FnOnce(&mut Tally) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn carried(change: &AttributeChange) -> Bytes {
    let value = match &change.edit {
        Edit::Set { value, .. } => value.len(),
        Edit::Remove => 0,
    };
    size(change.name.as_str(), value)
}

fn size(name: &str, value: usize) -> Bytes {
    Bytes((name.len() + value) as u64)
}

fn guard_after(commit: &Commit, committed: &Committed) -> Guard {
    let proof = match (&commit.changes.ticket, committed.ticket) {
        (
            Some(TicketChange::Renew { proof, .. } | TicketChange::SignIn { proof, .. }),
            TicketFate::Changed,
        ) => *proof,
        _ => commit.guard.proof,
    };
    Guard { handle: commit.guard.handle, proof }
}
