use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cloakroom_core::{Handle, Timestamp};

use super::lane::Lane;
use super::state::State;
use crate::telemetry;

/// How many sessions are known of before those are looked for that can be forgotten.
const FEW: usize = 1024;

/// The sessions that this node knows of.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    all: HashMap<Handle, Arc<Lane>>,
    prune_at: usize,
}

impl Lanes {
    pub(super) fn find(&self, handle: Handle) -> Option<Arc<Lane>> {
        self.all.get(&handle).cloned()
    }

    pub(super) fn of(&mut self, handle: Handle, now: Timestamp) -> Arc<Lane> {
        if self.all.len() >= self.prune_at.max(FEW) {
            // Whoever uses one has it from here, and so it is not forgotten meanwhile.
            self.all.retain(|_, lane| Arc::strong_count(lane) > 1 || !lane.state().is_idle(now));
            self.prune_at = 2 * self.all.len();
        }
        Arc::clone(self.all.entry(handle).or_insert_with(|| Arc::new(Lane::new(handle))))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Lane>> {
        self.all.values()
    }
}

/// What is held back, and when it is to be written.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Each session with something held back, by the age of its oldest commit.
    held: BTreeSet<(Timestamp, Handle)>,
    bytes: usize,
    due: BTreeSet<(Timestamp, Handle)>,
}

impl Account {
    pub(super) fn has_room(&self, state: &State, more: usize, max: [usize; 2]) -> bool {
        let sessions = self.held.len() + usize::from(state.accounted.is_none());
        sessions <= max[0] && self.bytes.saturating_add(more) <= max[1]
    }

    /// Takes note of what a session holds back now.
    pub(super) fn update(&mut self, handle: Handle, state: &mut State) {
        let held = state.held();
        if held == state.accounted {
            return;
        }
        if let Some((first, bytes)) = state.accounted {
            self.held.remove(&(first, handle));
            self.bytes -= bytes;
        }
        if let Some((first, bytes)) = held {
            self.held.insert((first, handle));
            self.bytes += bytes;
        }
        telemetry::held_back(state.accounted.map(|(_, bytes)| bytes), held.map(|(_, bytes)| bytes));
        state.accounted = held;
        if held.is_none() {
            self.unschedule(handle, state);
            state.failures = 0;
        }
    }

    pub(super) fn schedule(&mut self, handle: Handle, state: &mut State, at: Timestamp) {
        self.unschedule(handle, state);
        state.due = Some(at);
        self.due.insert((at, handle));
    }

    fn unschedule(&mut self, handle: Handle, state: &mut State) {
        if let Some(due) = state.due.take() {
            self.due.remove(&(due, handle));
        }
    }

    /// Takes note that somebody is about to write a session.
    pub(super) fn taken(&mut self, (at, handle): (Timestamp, Handle), state: &mut State) {
        self.due.remove(&(at, handle));
        state.due = state.due.filter(|due| *due != at);
    }

    /// Returns when the next session is to be written.
    pub(super) fn next_due(&self) -> Option<(Timestamp, Handle)> {
        self.due.first().copied()
    }

    pub(super) fn handles(&self) -> Vec<Handle> {
        self.held.iter().map(|(_, handle)| *handle).collect()
    }

    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.held.first().map(|(first, _)| *first)
    }

    pub(super) fn sessions(&self) -> usize {
        self.held.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
