use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    Freshness, Guard, Load, Meta, Name, Opened, Standing, StoredAttribute, Timestamp, Touch, Wanted,
};

/// What a snapshot takes beside the names and values, and an attribute beside its own; estimates.
const OVERHEAD: usize = 512;
const OVERHEAD_EACH: usize = 128;

/// What is known of one session at one version, by the ticket that opened it.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// Which one it is, so that what is learned of one is not added to another.
    pub(super) id: u64,
    pub(super) guard: Guard,
    /// With the last access that is known to be recorded.
    pub(super) meta: Meta,
    read: Read,
    /// The attributes that were asked for; `None`: it does not exist.
    attributes: HashMap<Name, Option<StoredAttribute>>,
    /// Whether all attributes are there.
    is_whole: bool,
    /// The names of all attributes, sorted.
    names: Option<Vec<Name>>,
    /// Whether the store has seen an access by this ticket. Until then the next one must reach it, however young the last:
    /// it ends the time in which a renewed ticket is handed out again.
    is_seen: bool,
    /// Since when an access is being recorded, by the store's clock.
    pub(super) recording_since: Option<Timestamp>,
}

/// When something was read: by the store's clock, and by ours before it was asked.
#[derive(Clone, Copy, Debug)]
struct Read {
    there: Timestamp,
    here: Timestamp,
}

impl Snapshot {
    pub(super) fn new(id: u64, load: &Load, opened: &Opened, here: Timestamp) -> Self {
        let mut snapshot = Self {
            id,
            guard: load.guard,
            meta: opened.meta.clone(),
            read: Read { there: opened.now, here },
            attributes: HashMap::new(),
            is_whole: false,
            names: None,
            is_seen: false,
            recording_since: None,
        };
        snapshot.add(load, opened, here);
        snapshot
    }

    /// Adds what a further load of the same version has read.
    pub(super) fn add(&mut self, load: &Load, opened: &Opened, here: Timestamp) {
        self.accessed(load.touch, opened, here);
        match &load.select.values {
            Wanted::Nothing => {}
            Wanted::Named(names) => {
                let absent = |name: &Name| (name.clone(), None);
                self.attributes.extend(names.iter().map(absent));
            }
            Wanted::Everything => self.is_whole = true,
        }
        let present = opened.attributes.iter().map(|held| (held.name.clone(), Some(copy(held))));
        self.attributes.extend(present);
        if let Some(names) = &opened.names {
            self.names = Some(names.clone());
        }
    }

    /// Takes note of an access that the store has been told of, and of the store's time.
    pub(super) fn accessed(&mut self, touch: Touch, opened: &Opened, here: Timestamp) {
        let accessed_at = match touch {
            Touch::AtMostEvery(every) if is_due(&opened.meta, every, opened.now) => opened.now,
            _ => opened.meta.accessed_at,
        };
        if opened.now >= self.read.there {
            self.read = Read { there: opened.now, here };
        }
        self.meta.accessed_at = self.meta.accessed_at.max(accessed_at);
        self.is_seen |= touch != Touch::Never;
    }

    /// Returns the store's time, or a little later: the time since the store was asked is added to that of its answer.
    pub(super) fn now(&self, here: Timestamp) -> Timestamp {
        self.read.there.plus(here.since(self.read.here))
    }

    /// Returns whether nothing has changed by the mere passing of time.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        let lapses = self.attributes.values().flatten().filter_map(|held| held.lapses_at);
        let ends = self.meta.ends_at.into_iter().chain(lapses);
        now < self.meta.accessed_at.plus(self.meta.max_inactive_interval)
            && ends.min().is_none_or(|at| now < at)
    }

    /// Answers a load, if all that it wants is here.
    pub(super) fn answer(&self, load: &Load, now: Timestamp) -> Option<Opened> {
        let is_fresh = match load.freshness {
            Freshness::Any => true,
            Freshness::AtLeast(version) => self.meta.version >= version,
            Freshness::Latest => false,
        };
        if !is_fresh || self.guard != load.guard {
            return None;
        }
        let attributes = self.selected(&load.select.values)?;
        let names = if load.select.names { Some(self.names()?) } else { None };
        Some(Opened { standing: Standing::Current, now, meta: self.meta.clone(), attributes, names })
    }

    fn selected(&self, wanted: &Wanted) -> Option<Vec<StoredAttribute>> {
        match wanted {
            Wanted::Nothing => Some(Vec::new()),
            Wanted::Everything if self.is_whole => {
                Some(self.attributes.values().flatten().cloned().collect())
            }
            Wanted::Everything => None,
            Wanted::Named(names) => {
                let held = names.iter().map(|name| match self.attributes.get(name) {
                    None if self.is_whole => Some(None),
                    held => held.cloned(),
                });
                Some(held.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
            }
        }
    }

    /// Returns the names of all attributes. A list alone is no answer: a name whose attribute was not read may lapse.
    fn names(&self) -> Option<Vec<Name>> {
        if self.is_whole {
            let present = self.attributes.iter().filter(|(_, held)| held.is_some());
            let mut names: Vec<_> = present.map(|(name, _)| name.clone()).collect();
            names.sort_unstable();
            return Some(names);
        }
        let is_read = |name: &Name| matches!(self.attributes.get(name), Some(Some(_)));
        self.names.clone().filter(|names| names.iter().all(is_read))
    }

    /// Returns whether the store is to be told of an access.
    pub(super) fn must_record(&self, touch: Touch, now: Timestamp) -> bool {
        match touch {
            Touch::Never => false,
            Touch::AtMostEvery(every) => {
                !self.is_recording(now) && (!self.is_seen || is_due(&self.meta, every, now))
            }
        }
    }

    /// Returns whether an access is being recorded. One of which nothing was heard for long does not count, so that the session
    /// does not expire for it.
    fn is_recording(&self, now: Timestamp) -> bool {
        let longest = self.meta.max_inactive_interval / 10;
        self.recording_since.is_some_and(|since| now.since(since) < longest)
    }

    /// Returns how many bytes this takes, about.
    pub(super) fn bytes(&self) -> usize {
        let each = |(name, held): (&Name, &Option<StoredAttribute>)| {
            name.as_str().len() + held.as_ref().map_or(0, |held| held.value.len()) + OVERHEAD_EACH
        };
        let names = self.names.iter().flatten().map(|name| name.as_str().len() + OVERHEAD_EACH);
        OVERHEAD + self.attributes.iter().map(each).sum::<usize>() + names.sum::<usize>()
    }
}

/// Returns an attribute with memory of its own: a driver's values are slices of the buffers that it reads into, and each keeps
/// all of its buffer.
fn copy(held: &StoredAttribute) -> StoredAttribute {
    StoredAttribute { value: Bytes::copy_from_slice(&held.value), ..held.clone() }
}

/// Returns whether a store records an access, as [`Touch::AtMostEvery`] has it.
fn is_due(meta: &Meta, every: Duration, now: Timestamp) -> bool {
    let throttle = every.min(meta.max_inactive_interval / 10);
    now > meta.accessed_at && now.since(meta.accessed_at) >= throttle
}
