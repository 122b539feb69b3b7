use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    AttributeChange, Changes, Commit, CommitId, Edit, Error, Guard, Intent, Label, Limits, Name, Timestamp,
};

/// What one attribute that is held back costs beside its name and value, in bytes: about what the map and the handles take.
const ATTRIBUTE: usize = 96;

/// What a session that is held back costs beside its attributes, in bytes.
const SESSION: usize = 512;

/// Commits of one session that are written as one. It keeps its id until the store has answered, so that it can be tried
/// again.
#[derive(Debug)]
pub(super) struct Batch {
    id: CommitId,
    guard: Guard,
    clear: bool,
    /// The last edit of each attribute; `None` removes it.
    edits: BTreeMap<Name, Option<Bytes>>,
    label: Option<Label>,
    limits: Limits,
    /// When the first of the commits was taken, by this node's clock.
    first: Timestamp,
    /// When the last one was.
    newest: Timestamp,
    count: NonZeroU32,
    /// When the session ends for lack of an access, counted from `newest`.
    max_inactive_interval: Duration,
    bytes: usize,
}

impl Batch {
    /// Begins with a commit that was taken at this node's `now`.
    pub(super) fn begin(commit: &Commit, now: Timestamp, interval: Duration) -> Result<Self, Error> {
        let mut batch = Self {
            id: CommitId::generate()?,
            guard: commit.guard,
            clear: false,
            edits: BTreeMap::new(),
            label: None,
            limits: commit.limits,
            first: now,
            newest: now,
            count: commit.stands_for,
            max_inactive_interval: interval,
            bytes: SESSION,
        };
        batch.merge(&commit.changes);
        Ok(batch)
    }

    /// Adds a later commit.
    pub(super) fn absorb(&mut self, commit: &Commit, now: Timestamp) {
        self.count = self.count.saturating_add(commit.stands_for.get());
        self.newest = self.newest.max(now);
        self.merge(&commit.changes);
    }

    fn merge(&mut self, changes: &Changes) {
        if changes.clear {
            self.clear = true;
            self.edits.clear();
            self.bytes = SESSION;
        }
        for change in &changes.attributes {
            let value = match &change.edit {
                Edit::Set { value, .. } => Some(value.clone()),
                Edit::Remove => None,
            };
            self.bytes += cost(&change.name, value.as_ref());
            if let Some(before) = self.edits.insert(change.name.clone(), value) {
                self.bytes -= cost(&change.name, before.as_ref());
            }
        }
        if changes.label.is_some() {
            self.label.clone_from(&changes.label);
        }
    }

    /// Returns whether a commit may be added: whoever wrote it goes by the same limits, and by the same ticket.
    pub(super) fn takes(&self, commit: &Commit) -> bool {
        self.limits == commit.limits
            && self.guard == commit.guard
            && self.count.checked_add(commit.stands_for.get()).is_some()
    }

    /// Returns the one commit that stands for all, at this node's `now`.
    pub(super) fn commit(&self, now: Timestamp) -> Commit {
        let attributes = self.edits.iter().map(|(name, value)| {
            let edit = value.clone().map_or(Edit::Remove, |value| Edit::Set { value, ttl: None });
            AttributeChange { name: name.clone(), edit, expect: None }
        });
        let (clear, label) = (self.clear, self.label.clone());
        Commit {
            id: self.id,
            guard: self.guard,
            intent: Intent::Change,
            changes: Changes { clear, attributes: attributes.collect(), label, ..Changes::default() },
            limits: self.limits,
            age: now.since(self.newest),
            stands_for: self.count,
        }
    }

    /// Takes the changes out, and leaves what counts the version on and records the access.
    pub(super) fn empty(&mut self) -> Result<(), Error> {
        self.id = CommitId::generate()?;
        (self.clear, self.label, self.bytes) = (false, None, SESSION);
        self.edits.clear();
        Ok(())
    }

    /// Returns whether there is something to be lost.
    pub(super) fn has_changes(&self) -> bool {
        self.clear || !self.edits.is_empty() || self.label.is_some()
    }

    pub(super) fn clears(&self) -> bool {
        self.clear
    }

    pub(super) fn edits(&self) -> impl Iterator<Item = (&Name, Option<&Bytes>)> {
        self.edits.iter().map(|(name, value)| (name, value.as_ref()))
    }

    pub(super) fn changes(&self, name: &Name) -> bool {
        self.clear || self.edits.contains_key(name)
    }

    pub(super) fn label(&self) -> Option<&Label> {
        self.label.as_ref()
    }

    pub(super) fn count(&self) -> NonZeroU32 {
        self.count
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn first(&self) -> Timestamp {
        self.first
    }

    pub(super) fn newest(&self) -> Timestamp {
        self.newest
    }

    /// Returns whether the session has ended by now, the accesses held back considered.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now >= self.newest.plus(self.max_inactive_interval)
    }
}

/// Returns an upper bound of what a commit adds to the bytes that are held back.
pub(super) fn bytes_of(commit: &Commit) -> usize {
    let edits = commit.changes.attributes.iter().map(|change| match &change.edit {
        Edit::Set { value, .. } => cost(&change.name, Some(value)),
        Edit::Remove => cost(&change.name, None),
    });
    SESSION + edits.sum::<usize>()
}

fn cost(name: &Name, value: Option<&Bytes>) -> usize {
    ATTRIBUTE + name.as_str().len() + value.map_or(0, Bytes::len)
}
