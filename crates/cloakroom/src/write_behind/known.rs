use std::collections::HashMap;
use std::time::Duration;

use cloakroom_core::{
    Admission, Changes, Commit, Committed, Creation, Edit, Load, Meta, Name, Opened, Proof, Record, Select,
    Size, Timestamp, Verdict, Version, Wanted,
};

/// For how long a look at the store is good enough to decide on a commit.
pub(super) const TRUST: Duration = Duration::from_secs(30);

/// Of how many attributes of one session the sizes are remembered.
const SIZES: usize = 1024;

/// What this node knows of a session in the store.
///
/// `record` is as the store will have it once everything held back is written; so the version in it is the one that requests
/// are told, and the rules of [`Record`] decide on the next commit.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) record: Record,
    /// The version in the store when this node last saw or wrote it. What is held back comes on top.
    pub(super) base: Version,
    /// Whether the totals and terms of `record` are right as of `base`. If not, a load has to come first.
    pub(super) exact: bool,
    sizes: Sizes,
    /// When the store was last asked, by this node's clock: before the question went out.
    asked: Timestamp,
    /// The store's time in its answer.
    answered: Timestamp,
    /// When the session ends by what the store has recorded, in the store's time.
    stored_until: Timestamp,
}

impl Known {
    /// Of a session that was just created by this commit; `None` if the answer is that to another.
    pub(super) fn created(
        commit: &Commit,
        creation: &Creation,
        committed: &Committed,
        asked: Timestamp,
    ) -> Option<Self> {
        let record = Record::create(commit, creation, committed.now).ok()?;
        if record.version != committed.version {
            return None;
        }
        let mut sizes = Sizes::nothing();
        sizes.apply(&commit.changes);
        Some(Self {
            base: record.version,
            exact: true,
            sizes,
            asked,
            answered: committed.now,
            stored_until: record.expires_at(),
            record,
        })
    }

    /// Of a session as a load with its current ticket showed it.
    pub(super) fn seen(load: &Load, opened: &Opened, asked: Timestamp) -> Self {
        let mut record = record_of(&opened.meta, load.guard.proof);
        record.access(Admission::Current, opened.now, load.touch);
        record.next_lapse = opened.attributes.iter().filter_map(|held| held.lapses_at).min();
        let mut sizes = Sizes::default();
        sizes.see(&load.select, opened, |_| false);
        Self {
            base: record.version,
            exact: true,
            sizes,
            asked,
            answered: opened.now,
            stored_until: record.expires_at(),
            record,
        }
    }

    /// Takes note of a later look at the same version. What is `held` back is known better here.
    pub(super) fn see_again(
        &mut self,
        load: &Load,
        opened: &Opened,
        asked: Timestamp,
        held: Option<&dyn Fn(&Name) -> bool>,
    ) {
        let mut seen = Self::seen(load, opened, asked);
        let lapses = [self.record.next_lapse, seen.record.next_lapse].into_iter().flatten();
        let next_lapse = lapses.min();
        match held {
            // The totals are those with what is held back.
            Some(held) => self.sizes.see(&load.select, opened, held),
            None => {
                self.sizes.see(&load.select, opened, |_| false);
                seen.record.recent = std::mem::take(&mut self.record.recent);
                self.record = seen.record;
                self.exact = true;
            }
        }
        self.record.next_lapse = next_lapse;
        self.stored_until = seen.stored_until;
        (self.asked, self.answered) = (seen.asked, seen.answered);
    }

    /// Returns the store's time at this node's `now`, or a little later.
    pub(super) fn store_time(&self, now: Timestamp) -> Timestamp {
        self.answered.plus(now.since(self.asked))
    }

    /// Decides on a commit as the store would; `None` if that is for the store to do.
    pub(super) fn decide(
        &self,
        commit: &Commit,
        now: Timestamp,
        slack: Duration,
    ) -> Option<(Record, Committed)> {
        let at = self.store_time(now);
        let soon = at.plus(slack);
        let is_trusted = self.exact && now.since(self.asked) <= TRUST;
        let is_in_time = soon < self.stored_until && self.record.next_lapse.is_none_or(|lapse| soon < lapse);
        let is_theirs = self.record.proof == commit.guard.proof;
        if !(is_trusted && is_in_time && is_theirs && self.sizes.cover(&commit.changes)) {
            return None;
        }
        let mut record = self.record.clone();
        match record.apply(commit, at, |name| self.sizes.of(name)) {
            Verdict::Apply(committed) => Some((record, committed)),
            Verdict::Answer(_) => None,
        }
    }

    /// Takes note of a commit that was decided on here and is held back.
    pub(super) fn hold(&mut self, changes: &Changes, record: Record) {
        self.sizes.apply(changes);
        self.record = record;
    }

    /// Takes note of a commit that the store has applied, when nothing was held back.
    pub(super) fn applied(&mut self, commit: &Commit, committed: &Committed, asked: Timestamp) {
        let expected = Version(self.record.version.0 + u64::from(commit.stands_for.get()));
        let has_lapsed = self.record.next_lapse.is_some_and(|lapse| lapse <= committed.now);
        if committed.version != expected || has_lapsed {
            return self.overtaken(committed.version, 0);
        }
        let at = committed.now.minus(commit.age);
        let lapses = commit.changes.attributes.iter().filter_map(|change| change.edit.lapses_at(at));
        let mut record = self.record.clone();
        record.next_lapse = lapses.chain(self.record.next_lapse).min();
        self.record.next_lapse = record.next_lapse;
        let is_known = self.exact && self.sizes.cover(&commit.changes);
        let verdict = record.apply(commit, committed.now, |name| self.sizes.of(name));
        self.sizes.apply(&commit.changes);
        match verdict {
            Verdict::Apply(ours) if is_known && ours.ticket == committed.ticket => self.record = record,
            _ => (self.exact, self.record.version) = (false, committed.version),
        }
        self.stored_until = self.record.expires_at();
        self.is_at(committed, asked);
    }

    /// Takes note that what was held back as `count` commits is written, while `later` commits have gathered.
    pub(super) fn written(
        &mut self,
        committed: &Committed,
        asked: Timestamp,
        age: Duration,
        [count, later]: [u32; 2],
    ) {
        let has_lapsed = self.record.next_lapse.is_some_and(|lapse| lapse <= committed.now);
        if committed.version != Version(self.base.0 + u64::from(count)) || has_lapsed {
            return self.overtaken(committed.version, later);
        }
        let until = committed.now.minus(age).plus(self.record.max_inactive_interval);
        let until = self.record.ends_at.map_or(until, |end| end.min(until));
        self.stored_until = self.stored_until.max(until);
        self.is_at(committed, asked);
    }

    fn is_at(&mut self, committed: &Committed, asked: Timestamp) {
        self.base = committed.version;
        (self.asked, self.answered) = (asked, committed.now);
    }

    /// Somebody else has committed too, or something has lapsed: what is held here no longer tells what the store has.
    fn overtaken(&mut self, version: Version, later: u32) {
        self.exact = false;
        self.sizes = Sizes::default();
        self.base = self.base.max(version);
        self.record.version = self.record.version.max(Version(self.base.0 + u64::from(later)));
        self.record.next_lapse = None;
    }

    /// Another session has this handle now, or this one was made again: only the answers to the last commits are kept.
    pub(super) fn start_over(&mut self) {
        (self.exact, self.base, self.sizes) = (false, Version(0), Sizes::default());
    }

    /// Returns whether the store may take the session for expired, by what it has recorded.
    pub(super) fn may_look_expired(&self, now: Timestamp) -> bool {
        self.store_time(now).plus(self.record.max_inactive_interval / 10) >= self.stored_until
    }

    /// Returns whether a load that shows an older version is to be believed all the same.
    pub(super) fn is_old(&self, now: Timestamp) -> bool {
        now.since(self.asked) > TRUST
    }
}

/// The sizes of a session's attributes, as far as they are known.
#[derive(Debug, Default)]
struct Sizes {
    /// The bytes of the value; `None`: it is absent.
    known: HashMap<Name, Option<u64>>,
    /// Whether what is not in `known` is absent.
    complete: bool,
}

impl Sizes {
    fn nothing() -> Self {
        Self { known: HashMap::new(), complete: true }
    }

    fn of(&self, name: &Name) -> Option<Size> {
        let value = self.known.get(name).copied().flatten()?;
        Some(Size { value, revision: Version(0) })
    }

    /// Returns whether it is known what these changes do to the totals.
    fn cover(&self, changes: &Changes) -> bool {
        self.complete
            || changes.clear
            || changes.attributes.iter().all(|change| self.known.contains_key(&change.name))
    }

    fn apply(&mut self, changes: &Changes) {
        if changes.clear {
            *self = Self::nothing();
        }
        for change in &changes.attributes {
            let size = match &change.edit {
                Edit::Set { value, .. } => Some(value.len() as u64),
                Edit::Remove => None,
            };
            self.put(&change.name, size);
        }
    }

    /// Takes note of what a load showed, but for those that `are_held`.
    fn see(&mut self, select: &Select, opened: &Opened, is_held: impl Fn(&Name) -> bool) {
        if self.complete {
            return;
        }
        if let Wanted::Named(names) = &select.values {
            for name in names.iter().filter(|name| !is_held(name)) {
                self.put(name, None);
            }
        }
        for held in opened.attributes.iter().filter(|held| !is_held(&held.name)) {
            self.put(&held.name, Some(held.value.len() as u64));
        }
        self.complete = matches!(select.values, Wanted::Everything) && self.known.len() < SIZES;
    }

    fn put(&mut self, name: &Name, size: Option<u64>) {
        if self.known.len() < SIZES || self.known.contains_key(name) {
            self.known.insert(name.clone(), size);
        } else {
            self.complete = false;
        }
    }
}

fn record_of(meta: &Meta, proof: Proof) -> Record {
    Record {
        proof,
        previous: None,
        ticket_issued_at: meta.ticket_issued_at,
        version: meta.version,
        created_at: meta.created_at,
        accessed_at: meta.accessed_at,
        max_inactive_interval: meta.max_inactive_interval,
        ends_at: meta.ends_at,
        principal: meta.principal.clone(),
        signed_in_at: meta.signed_in_at,
        label: meta.label.clone(),
        attributes: meta.attributes,
        bytes: meta.bytes,
        next_lapse: None,
        recent: cloakroom_core::RecentCommits::default(),
    }
}
