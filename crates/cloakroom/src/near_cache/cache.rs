use std::collections::HashMap;
use std::time::{Duration, Instant};

use cloakroom_core::{Guard, Handle, Load, Loaded, Opened, Principal, Standing, Timestamp, Touch, Version};
use lru::LruCache;

use super::snapshot::Snapshot;
use crate::telemetry;

/// The snapshots of a node, and what is needed to keep them right.
#[derive(Debug)]
pub(super) struct Cache {
    snapshots: LruCache<Handle, Snapshot>,
    /// The sessions that are being loaded.
    loading: HashMap<Handle, Loading>,
    bytes: usize,
    max_bytes: usize,
    max_staleness: Duration,
    /// Since when everything was told, if there is a feed that is whole.
    caught_up: Option<Instant>,
    /// Counts the feeds that broke, and the snapshots.
    feeds: u64,
    ids: u64,
}

/// The loads of one session that are under way, and what was learned of it since the first of them began.
#[derive(Debug)]
struct Loading {
    loads: usize,
    /// An answer older than this is not kept.
    at_least: Version,
    /// No answer is kept.
    is_spoiled: bool,
}

/// A load that has begun while the feed was whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    pub(super) handle: Handle,
    feed: u64,
    here: Timestamp,
}

/// The answer to a load, and whether its access has to be recorded.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) opened: Opened,
    pub(super) record: Option<u64>,
}

impl Cache {
    pub(super) fn new(max_bytes: usize, max_staleness: Duration) -> Self {
        Self {
            snapshots: LruCache::unbounded(),
            loading: HashMap::new(),
            bytes: 0,
            max_bytes,
            max_staleness,
            caught_up: None,
            feeds: 0,
            ids: 0,
        }
    }

    /// Answers a load from memory, if that is allowed.
    pub(super) fn look(&mut self, load: &Load, here: Timestamp) -> Option<Hit> {
        self.caught_up.filter(|at| at.elapsed() < self.max_staleness)?;
        let snapshot = self.snapshots.get_mut(&load.guard.handle)?;
        let now = snapshot.now(here);
        if !snapshot.is_live(now) {
            self.remove(load.guard.handle, "expired");
            return None;
        }
        let opened = snapshot.answer(load, now)?;
        let must_record = snapshot.must_record(load.touch, now);
        if must_record {
            snapshot.recording_since = Some(now);
        }
        Some(Hit { opened, record: must_record.then_some(snapshot.id) })
    }

    /// Takes note of a load that begins, if its answer may be kept.
    pub(super) fn begin(&mut self, handle: Handle, here: Timestamp) -> Option<Begun> {
        self.caught_up?;
        let new = Loading { loads: 0, at_least: Version(0), is_spoiled: false };
        self.loading.entry(handle).or_insert(new).loads += 1;
        Some(Begun { handle, feed: self.feeds, here })
    }

    /// Keeps the answer to a load, unless it may be old already. `None`: there is no answer.
    pub(super) fn finish(&mut self, begun: Begun, load: &Load, answer: Option<&Loaded>) {
        let at_least = self.end(begun);
        match (answer, at_least) {
            (Some(Loaded::Open(opened)), Some(at_least)) if opened.meta.version >= at_least => {
                self.keep(begun, load, opened);
            }
            (Some(Loaded::Absent | Loaded::Superseded), _) => self.refused(&load.guard),
            _ => {}
        }
    }

    /// Takes note that a load is over, and returns how new its answer must be to be kept, if it may be.
    fn end(&mut self, begun: Begun) -> Option<Version> {
        let loading = self.loading.get_mut(&begun.handle)?;
        loading.loads -= 1;
        let at_least = (!loading.is_spoiled && begun.feed == self.feeds).then_some(loading.at_least);
        if loading.loads == 0 {
            self.loading.remove(&begun.handle);
        }
        at_least
    }

    fn keep(&mut self, begun: Begun, load: &Load, opened: &Opened) {
        if opened.standing != Standing::Current {
            return;
        }
        let held = self.snapshots.pop(&begun.handle);
        let before = held.as_ref().map_or(0, Snapshot::bytes);
        let version = opened.meta.version;
        let snapshot = match held {
            Some(held) if held.meta.version > version => held,
            Some(mut held) if held.meta.version == version && held.guard == load.guard => {
                held.add(load, opened, begun.here);
                held
            }
            _ => {
                self.ids += 1;
                Snapshot::new(self.ids, load, opened, begun.here)
            }
        };
        self.count(before, snapshot.bytes());
        self.snapshots.put(begun.handle, snapshot);
        while self.bytes > self.max_bytes
            && let Some((_, oldest)) = self.snapshots.pop_lru()
        {
            self.count(oldest.bytes(), 0);
            telemetry::near_cache_dropped("full", 1);
        }
    }

    /// Takes note of what the store said when it was told of an access. `None`: it said nothing.
    pub(super) fn recorded(
        &mut self,
        id: u64,
        guard: &Guard,
        touch: Touch,
        answer: Option<&Loaded>,
        here: Timestamp,
    ) {
        let Some(snapshot) = self.snapshots.peek_mut(&guard.handle).filter(|snapshot| snapshot.id == id)
        else {
            return;
        };
        snapshot.recording_since = None;
        match answer {
            None => {}
            Some(Loaded::Open(opened))
                if opened.standing == Standing::Current && opened.meta.version == snapshot.meta.version =>
            {
                snapshot.accessed(touch, opened, here);
            }
            Some(_) => self.remove(guard.handle, "changed"),
        }
    }

    /// Drops what is older than this version of a session.
    pub(super) fn changed(&mut self, handle: Handle, version: Version) {
        if let Some(loading) = self.loading.get_mut(&handle) {
            loading.at_least = loading.at_least.max(version);
        }
        if self.snapshots.peek(&handle).is_some_and(|snapshot| snapshot.meta.version < version) {
            self.remove(handle, "changed");
        }
    }

    /// Drops whatever is known of a session.
    pub(super) fn forget(&mut self, handle: Handle) {
        if let Some(loading) = self.loading.get_mut(&handle) {
            loading.is_spoiled = true;
        }
        self.remove(handle, "changed");
    }

    /// Drops whatever is known of a principal's sessions.
    pub(super) fn forget_those_of(&mut self, principal: &Principal) {
        // Whose the sessions are that are being loaded is not known yet.
        self.loading.values_mut().for_each(|loading| loading.is_spoiled = true);
        let theirs =
            self.snapshots.iter().filter(|(_, held)| held.meta.principal.as_ref() == Some(principal));
        let theirs: Vec<Handle> = theirs.map(|(handle, _)| *handle).collect();
        theirs.into_iter().for_each(|handle| self.remove(handle, "changed"));
    }

    /// Drops everything.
    pub(super) fn forget_all(&mut self, reason: &'static str) {
        self.loading.values_mut().for_each(|loading| loading.is_spoiled = true);
        telemetry::near_cache_dropped(reason, self.snapshots.len());
        self.snapshots.clear();
        self.count(self.bytes, 0);
    }

    /// Takes note of what a feed says of itself.
    pub(super) fn caught_up(&mut self, at: Instant) {
        telemetry::near_cache_staleness(self.caught_up.unwrap_or(at).elapsed());
        self.caught_up = self.caught_up.max(Some(at));
    }

    /// Drops everything, as the feed has broken.
    pub(super) fn feed_broke(&mut self) {
        self.caught_up = None;
        self.feeds += 1;
        self.forget_all("feed");
    }

    pub(super) fn len(&self) -> usize {
        self.snapshots.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Drops a session's snapshot, if it was by this ticket, which the store has refused.
    fn refused(&mut self, guard: &Guard) {
        if self.snapshots.peek(&guard.handle).is_some_and(|snapshot| snapshot.guard == *guard) {
            self.remove(guard.handle, "changed");
        }
    }

    fn remove(&mut self, handle: Handle, reason: &'static str) {
        if let Some(snapshot) = self.snapshots.pop(&handle) {
            self.count(snapshot.bytes(), 0);
            telemetry::near_cache_dropped(reason, 1);
        }
    }

    fn count(&mut self, before: usize, after: usize) {
        self.bytes = self.bytes - before + after;
        telemetry::near_cache_bytes(before, after);
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        telemetry::near_cache_bytes(self.bytes, 0);
    }
}
