//! Sessions whose attributes are on disk, and their way there and back: what passivation needs of the store in memory.
//!
//! A session is under its shard's lock at every moment, either among those in memory or among those that are away. What
//! decides about it, its record, never leaves memory.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{
    Commit, Edit, Ended, Error, ErrorKind, Guard, Handle, Intent, Load, Loaded, Name, RecentCommits, Record,
    StoredAttribute, Sweep, Timestamp,
};

use super::clock::MonotonicClock;
use super::held::{ATTRIBUTE_OVERHEAD, Held, OVERHEAD, Value};
use super::shard::{Bounds, Left, Shard};
use super::{MemoryStore, MemoryStoreBuilder, lock, shards_for};
use crate::events::SessionDetails;
use crate::passivation::Kept;

/// What a session costs in memory while its attributes are on disk, roughly: the record, the index, the queue, the number of
/// its parcel.
const AWAY_OVERHEAD: u64 = 600;
/// The same for the name of an attribute.
const NAME_OVERHEAD: u64 = 40;

/// When an attribute lapses, by its name.
pub(crate) type Names = Box<[(Name, Option<Timestamp>)]>;

/// What stays in memory of the attributes that are on disk.
#[derive(Debug)]
pub(crate) struct Away {
    names: Names,
    kept: Kept,
}

impl Away {
    pub(super) fn names(&self, now: Timestamp) -> Vec<Name> {
        let live = self.names.iter().filter(|(_, lapses_at)| lapses_at.is_none_or(|end| now < end));
        live.map(|(name, _)| name.clone()).collect()
    }

    fn weight(&self) -> u64 {
        AWAY_OVERHEAD
            + self.names.iter().map(|(name, _)| name.as_str().len() as u64 + NAME_OVERHEAD).sum::<u64>()
    }
}

/// What of a session goes to disk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) recent: RecentCommits,
    pub(crate) attributes: Vec<StoredAttribute>,
}

/// A session as it was when its way to disk began.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) handle: Handle,
    pub(crate) content: Content,
    totals: (u32, u64, Option<Timestamp>),
}

impl Snapshot {
    fn of(handle: Handle, held: &Held) -> Self {
        let attributes = held.attributes.iter().map(|(name, value)| value.stored(name)).collect();
        let content = Content { recent: held.record.recent.clone(), attributes };
        Self { handle, content, totals: totals(&held.record) }
    }

    /// Returns whether a session has still the same attributes. Each commit is among the recent ones by its random id; without
    /// one only what has lapsed can go.
    fn is_of(&self, held: &Held) -> bool {
        held.record.recent == self.content.recent && totals(&held.record) == self.totals
    }
}

fn totals(record: &Record) -> (u32, u64, Option<Timestamp>) {
    (record.attributes, record.bytes, record.next_lapse)
}

/// A session as it is left for the next start.
#[derive(Debug)]
pub(crate) struct Leaving {
    pub(crate) handle: Handle,
    pub(crate) record: Record,
    pub(crate) names: Names,
}

/// The answer to a load, as far as memory has it.
pub(crate) enum LoadedHere {
    Answer(Loaded),
    /// The ticket opens a session whose attributes are on disk.
    Away,
}

/// Whether there is room for a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Enough,
    /// When sessions are passivated.
    Later,
    /// Passivating makes none.
    Never,
}

/// What there is to be swept next.
pub(crate) enum Swept {
    Nothing,
    /// Its values are to be handed out, and are on disk.
    Away(Handle),
    Ended(Option<Ended>),
}

/// What became of attributes that came back from disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BroughtBack {
    Here,
    /// The session has ended, or is in memory already.
    NotAway,
    /// They are not those of the session.
    Damaged,
}

/// The source of the error with which a commit ends that needs attributes from disk first.
#[derive(Debug)]
struct Elsewhere;

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the session is passivated")
    }
}

impl StdError for Elsewhere {}

/// Returns whether a commit has failed because the session's attributes are on disk.
pub(crate) fn is_away(error: &Error) -> bool {
    error.source().is_some_and(|source| source.is::<Elsewhere>())
}

impl Held {
    /// Returns how many bytes of memory the session takes, whether or not its attributes are in memory.
    pub(super) fn weight(&self) -> u64 {
        self.away.as_ref().map_or_else(|| self.cost(), |away| away.weight())
    }

    fn growth(&self, commit: &Commit) -> u64 {
        let changes = commit.changes.attributes.iter();
        let more = changes.map(|change| {
            let before = self
                .size(&change.name)
                .map(|it| change.name.as_str().len() as u64 + it.value + ATTRIBUTE_OVERHEAD);
            cost_of(&change.name, &change.edit).saturating_sub(before.unwrap_or_default())
        });
        more.sum()
    }

    fn details(&self, handle: Handle) -> SessionDetails {
        let Record { principal, created_at, accessed_at, .. } = &self.record;
        SessionDetails::live(handle, principal.clone(), *created_at, *accessed_at)
    }
}

fn cost_of(name: &Name, edit: &Edit) -> u64 {
    match edit {
        Edit::Set { value, .. } => (name.as_str().len() + value.len()) as u64 + ATTRIBUTE_OVERHEAD,
        Edit::Remove => 0,
    }
}

impl Shard {
    /// # Errors
    ///
    /// When the ticket is one of a session whose attributes are on disk.
    pub(super) fn is_here_for(&self, guard: &Guard) -> Result<(), Error> {
        match self.away.get(&guard.handle).filter(|held| held.record.knows(&guard.proof)) {
            None => Ok(()),
            Some(_) => Err(Error::new(ErrorKind::Other, "commit", Elsewhere)),
        }
    }

    /// Takes in a session whose attributes are on disk.
    fn insert_away(&mut self, handle: Handle, held: Box<Held>) {
        self.cost += held.weight();
        self.away.insert(handle, held);
    }

    /// Returns by how much a commit makes the shard grow. One that will be refused for its ticket, or because there is no such
    /// session, needs no room to be told so.
    fn growth(&self, commit: &Commit) -> u64 {
        let held = self.peek(&commit.guard.handle);
        let is_change = matches!(commit.intent, Intent::Change);
        if is_change && !held.is_some_and(|held| held.record.knows(&commit.guard.proof)) {
            return 0;
        }
        if let Some(held) = held {
            return held.growth(commit);
        }
        let changes = commit.changes.attributes.iter().map(|change| cost_of(&change.name, &change.edit));
        OVERHEAD + changes.sum::<u64>()
    }

    fn has_room(&self, commit: &Commit, bounds: Bounds) -> bool {
        let growth = self.growth(commit);
        let is_new = matches!(commit.intent, Intent::Create(_)) && self.peek(&commit.guard.handle).is_none();
        let fits = growth == 0 || self.cost.saturating_add(growth) <= bounds.bytes;
        fits && !(is_new && self.len() >= bounds.sessions)
    }
}

impl MemoryStore {
    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn shards(&self) -> usize {
        self.inner.shards.len()
    }

    /// Returns how many sessions have their attributes on disk.
    pub(crate) fn away(&self) -> usize {
        self.inner.shards.iter().map(|shard| lock(shard).away.len()).sum()
    }

    /// Returns whether the shard of a session takes more than `bytes`.
    pub(crate) fn is_over(&self, handle: Handle, bytes: u64) -> bool {
        self.inner.shard(handle).cost > bytes
    }

    pub(crate) fn load_here(&self, load: &Load) -> LoadedHere {
        let now = self.now();
        let handle = load.guard.handle;
        let mut shard = self.inner.shard(handle);
        let (held, is_here) = match shard.sessions.peek_mut(&handle) {
            Some(held) => (held, true),
            None => match shard.away.get_mut(&handle) {
                Some(held) => (&mut **held, false),
                None => return LoadedHere::Answer(Loaded::Absent),
            },
        };
        let admission = held.record.admit(&load.guard.proof, now);
        let standing = match admission.standing() {
            Ok(standing) => standing,
            Err(answer) => return LoadedHere::Answer(answer),
        };
        if !is_here {
            return LoadedHere::Away;
        }
        let opened = held.open(standing, now, &load.select);
        held.record.access(admission, now, load.touch);
        shard.used(&handle);
        LoadedHere::Answer(Loaded::Open(opened))
    }

    /// Returns whether a commit stays within the bounds, expired sessions dropped if need be. Sessions are passivated where a
    /// shard takes more than `high`.
    pub(crate) fn room(&self, commit: &Commit, bounds: Bounds, high: u64) -> Room {
        let now = self.now();
        let mut left: Vec<Left> = Vec::new();
        let mut shard = self.inner.shard(commit.guard.handle);
        while !shard.has_room(commit, bounds) {
            let Some(handle) = shard.due(now) else { break };
            left.extend(shard.leave(handle));
        }
        let room = if shard.has_room(commit, bounds) {
            Room::Enough
        } else if shard.cost > high && !shard.sessions.is_empty() {
            Room::Later
        } else {
            Room::Never
        };
        drop(shard);
        self.inner.unlist(&left);
        room
    }

    /// Returns those sessions of a shard that were not used for the longest, up to the batch's bounds, while the shard takes
    /// more than `bytes` with them.
    pub(crate) fn oldest(&self, shard: usize, bytes: u64, (sessions, batch): (usize, u64)) -> Vec<Snapshot> {
        let shard = lock(&self.inner.shards[shard]);
        let mut cost = shard.cost;
        let mut in_batch = 0;
        let mut found = Vec::new();
        for (handle, held) in shard.sessions.iter().rev() {
            if cost <= bytes || found.len() >= sessions || in_batch >= batch {
                break;
            }
            cost = cost.saturating_sub(held.cost().saturating_sub(AWAY_OVERHEAD));
            in_batch += held.record.bytes;
            found.push(Snapshot::of(*handle, held));
        }
        found
    }

    /// Returns how many bytes a shard takes.
    pub(crate) fn cost(&self, shard: usize) -> u64 {
        lock(&self.inner.shards[shard]).cost
    }

    /// Drops a session's attributes from memory, now that they are on disk; unless it has changed since, or ended.
    pub(crate) fn put_away(
        &self,
        snapshot: &Snapshot,
        kept: Kept,
        tell: impl FnOnce(SessionDetails),
    ) -> bool {
        let handle = snapshot.handle;
        let mut shard = self.inner.shard(handle);
        if !shard.sessions.peek(&handle).is_some_and(|held| snapshot.is_of(held)) {
            return false;
        }
        let Some(mut held) = shard.sessions.pop(&handle) else { return false };
        shard.cost -= held.cost();
        let attributes = std::mem::take(&mut held.attributes).into_iter();
        let names = attributes.map(|(name, value)| (name, value.lapses_at)).collect();
        held.record.recent = RecentCommits::default();
        held.away = Some(Box::new(Away { names, kept }));
        tell(held.details(handle));
        shard.insert_away(handle, Box::new(held));
        true
    }

    /// Returns the number of the parcel that a session's attributes are in, if they are on disk.
    pub(crate) fn parcel(&self, handle: Handle) -> Option<u64> {
        let shard = self.inner.shard(handle);
        Some(shard.away.get(&handle)?.away.as_ref()?.kept.number())
    }

    /// Puts attributes from a parcel back, and makes the session the most recently used.
    pub(crate) fn bring_back(
        &self,
        handle: Handle,
        parcel: u64,
        content: Content,
        tell: impl FnOnce(SessionDetails),
    ) -> BroughtBack {
        let mut shard = self.inner.shard(handle);
        let away = shard.away.get(&handle);
        let Some(held) = away.filter(|it| it.away.as_ref().is_some_and(|away| away.kept.number() == parcel))
        else {
            return BroughtBack::NotAway;
        };
        if usize::try_from(held.record.attributes) != Ok(content.attributes.len()) {
            return BroughtBack::Damaged;
        }
        let Some(mut held) = shard.away.remove(&handle) else { return BroughtBack::NotAway };
        shard.cost -= held.weight();
        held.away = None;
        held.record.recent = content.recent;
        held.attributes = content.attributes.into_iter().map(value).collect();
        shard.cost += held.cost();
        tell(held.details(handle));
        shard.sessions.push(handle, *held);
        BroughtBack::Here
    }

    /// Hands out one expired session of a shard, if its values are in memory.
    pub(crate) fn sweep_one(&self, shard: usize, sweep: &Sweep) -> Swept {
        let now = self.now();
        let mut shard = lock(&self.inner.shards[shard]);
        let Some(handle) = shard.due(now) else { return Swept::Nothing };
        if shard.away.contains_key(&handle) {
            return Swept::Away(handle);
        }
        let ended = shard.hand_out(handle, sweep, now);
        drop(shard);
        Swept::Ended(self.handed_out(ended, sweep))
    }

    /// Hands out an expired session, without the values if they are not in memory; unless it was revived or claimed meanwhile.
    pub(crate) fn hand_out(&self, handle: Handle, sweep: &Sweep) -> Option<Ended> {
        let now = self.now();
        let mut shard = self.inner.shard(handle);
        shard.peek(&handle).filter(|held| held.due_at() <= now)?;
        let ended = shard.hand_out(handle, sweep, now);
        drop(shard);
        self.handed_out(ended, sweep)
    }

    fn handed_out(&self, ended: Option<Ended>, sweep: &Sweep) -> Option<Ended> {
        if let (Some(ended), None) = (&ended, sweep.lease) {
            self.inner.unlist(&[(ended.handle, ended.principal.clone())]);
        }
        ended
    }

    /// Leaves an expired session alone for so long, unless it was revived or claimed meanwhile.
    pub(crate) fn postpone(&self, handle: Handle, by: Duration) {
        let now = self.now();
        let mut shard = self.inner.shard(handle);
        if shard.peek(&handle).is_some_and(|held| held.due_at() <= now) {
            shard.lease(handle, now.plus(by));
        }
    }

    /// Returns the sessions of a shard whose attributes are on disk, by their parcels.
    pub(crate) fn leaving(&self, shard: usize) -> Vec<(u64, Leaving)> {
        let shard = lock(&self.inner.shards[shard]);
        let left = shard.away.iter().filter_map(|(handle, held)| {
            let away = held.away.as_ref()?;
            let leaving = Leaving { handle: *handle, record: held.record.clone(), names: away.names.clone() };
            Some((away.kept.number(), leaving))
        });
        left.collect()
    }

    /// Takes in a session that was left before this start, with its attributes on disk.
    pub(crate) fn take_in(&self, left: Leaving, kept: Kept) {
        let Leaving { handle, record, names } = left;
        if let Some(principal) = &record.principal {
            self.inner.principals().add(principal, handle);
        }
        let queued = record.expires_at();
        let away = Some(Box::new(Away { names, kept }));
        let held = Held { record, attributes: BTreeMap::new(), away, leased_until: None, queued };
        let mut shard = self.inner.shard(handle);
        shard.deadlines.insert((queued, handle));
        shard.insert_away(handle, Box::new(held));
    }
}

fn value(attribute: StoredAttribute) -> (Name, Value) {
    let StoredAttribute { name, value, revision, lapses_at } = attribute;
    (name, Value { bytes: value, revision, lapses_at })
}

impl MemoryStoreBuilder {
    /// Returns what was set with [`max_sessions`](Self::max_sessions) and [`max_bytes`](Self::max_bytes).
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { sessions: self.max_sessions, bytes: self.max_bytes }
    }

    /// Makes a store that drops no session while it lives, whatever the bounds. One that alone takes more than its shard's part of
    /// `max_bytes` is refused.
    pub(crate) fn build_keeping(mut self, max_bytes: u64, began_at: Timestamp) -> MemoryStore {
        let shards = shards_for(self.max_sessions, self.max_bytes);
        let clock = self.clock.take();
        self.clock = Some(clock.unwrap_or_else(|| Arc::new(MonotonicClock::start_at(began_at))));
        let unbounded = Bounds { sessions: usize::MAX, bytes: u64::MAX };
        self.assemble(shards, unbounded, max_bytes / shards as u64)
    }
}
