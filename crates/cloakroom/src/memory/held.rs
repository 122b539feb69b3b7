use std::collections::BTreeMap;

use bytes::Bytes;
use cloakroom_core::{
    AttributeChange, Commit, Edit, EndReason, Ended, Handle, Name, Opened, Record, Select, Size, Standing,
    StoredAttribute, Timestamp, Verdict, Version, Wanted,
};

use super::away::Away;

/// A session in memory.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) record: Record,
    pub(super) attributes: BTreeMap<Name, Value>,
    /// What there is in place of the attributes, and of the recent commits, while they are on disk.
    pub(super) away: Option<Box<Away>>,
    /// Until when a sweep has claimed it; a moment long ago where it was to be ended when it had expired. In either case it is
    /// closed.
    pub(super) leased_until: Option<Timestamp>,
    /// Its place in the shard's queue of deadlines.
    pub(super) queued: Timestamp,
}

#[derive(Debug)]
pub(super) struct Value {
    pub(super) bytes: Bytes,
    pub(super) revision: Version,
    pub(super) lapses_at: Option<Timestamp>,
}

/// What a session costs in memory beside its names and values, roughly: the record, the index, the queue.
pub(super) const OVERHEAD: u64 = 700;
/// The same for an attribute.
pub(super) const ATTRIBUTE_OVERHEAD: u64 = 120;

fn cost(record: &Record) -> u64 {
    OVERHEAD + u64::from(record.attributes) * ATTRIBUTE_OVERHEAD + record.bytes
}

impl Value {
    fn is_live(&self, now: Timestamp) -> bool {
        self.lapses_at.is_none_or(|end| now < end)
    }

    pub(super) fn stored(&self, name: &Name) -> StoredAttribute {
        let Self { bytes, revision, lapses_at } = self;
        StoredAttribute {
            name: name.clone(),
            value: bytes.clone(),
            revision: *revision,
            lapses_at: *lapses_at,
        }
    }
}

impl Held {
    /// Makes a session from the record of its first commit.
    pub(super) fn create(record: Record, changes: &[AttributeChange]) -> Self {
        let queued = record.expires_at();
        let mut held = Self { record, attributes: BTreeMap::new(), away: None, leased_until: None, queued };
        held.edit(changes, held.record.created_at);
        held
    }

    /// Returns whether nothing opens or changes the session any more, though it is still there: no commit that was held back since
    /// it was live revives it.
    pub(super) fn is_closed(&self) -> bool {
        self.leased_until.is_some()
    }

    /// Returns when the session can be handed out: it has expired, and nobody has claimed it.
    pub(super) fn due_at(&self) -> Timestamp {
        self.record.expires_at().max(self.leased_until.unwrap_or_default())
    }

    /// Returns how many bytes of memory the session takes, roughly.
    pub(super) fn cost(&self) -> u64 {
        cost(&self.record)
    }

    /// Returns whether the session would cost more than `max` after a commit.
    pub(super) fn would_exceed(&self, commit: &Commit, max: u64, now: Timestamp) -> bool {
        let grows = |change: &AttributeChange| match &change.edit {
            Edit::Set { value, .. } => (change.name.as_str().len() + value.len()) as u64 + ATTRIBUTE_OVERHEAD,
            Edit::Remove => 0,
        };
        let at_most = self.cost() + commit.changes.attributes.iter().map(grows).sum::<u64>();
        if at_most <= max {
            return false;
        }
        let mut record = self.record.clone();
        matches!(record.apply(commit, now, |name| self.size(name)), Verdict::Apply(_)) && cost(&record) > max
    }

    pub(super) fn size(&self, name: &Name) -> Option<Size> {
        let value = self.attributes.get(name.as_str())?;
        Some(Size { value: value.bytes.len() as u64, revision: value.revision })
    }

    pub(super) fn commit(&mut self, commit: &Commit, now: Timestamp) -> Verdict {
        self.drop_lapsed(now);
        let attributes = &self.attributes;
        let held = |name: &Name| {
            let value = attributes.get(name.as_str())?;
            Some(Size { value: value.bytes.len() as u64, revision: value.revision })
        };
        let verdict = self.record.apply(commit, now, held);
        if matches!(verdict, Verdict::Apply(_)) {
            if commit.changes.clear {
                self.attributes.clear();
            }
            self.edit(&commit.changes.attributes, now.minus(commit.age));
        }
        verdict
    }

    fn edit(&mut self, changes: &[AttributeChange], at: Timestamp) {
        for change in changes {
            match &change.edit {
                Edit::Set { value, .. } => {
                    let lapses_at = change.edit.lapses_at(at);
                    let value = Value { bytes: value.clone(), revision: self.record.version, lapses_at };
                    self.attributes.insert(change.name.clone(), value);
                }
                Edit::Remove => {
                    self.attributes.remove(change.name.as_str());
                }
            }
        }
    }

    fn drop_lapsed(&mut self, now: Timestamp) {
        if self.record.next_lapse.is_none_or(|lapse| now < lapse) {
            return;
        }
        self.attributes.retain(|_, value| value.is_live(now));
        let size = |(name, value): (&Name, &Value)| (name.as_str().len() + value.bytes.len()) as u64;
        self.record.attributes = u32::try_from(self.attributes.len()).unwrap_or(u32::MAX);
        self.record.bytes = self.attributes.iter().map(size).sum();
        self.record.next_lapse = self.attributes.values().filter_map(|value| value.lapses_at).min();
    }

    pub(super) fn open(&self, standing: Standing, now: Timestamp, select: &Select) -> Box<Opened> {
        let attributes = self.select(&select.values, now);
        let names = select.names.then(|| self.names(now));
        Box::new(Opened { standing, now, meta: self.record.meta(), attributes, names })
    }

    fn select(&self, wanted: &Wanted, now: Timestamp) -> Vec<StoredAttribute> {
        let live = |(name, value): (&Name, &Value)| value.is_live(now).then(|| value.stored(name));
        match wanted {
            Wanted::Nothing => Vec::new(),
            Wanted::Everything => self.attributes.iter().filter_map(live).collect(),
            Wanted::Named(names) => {
                let mut found = Vec::with_capacity(names.len().min(self.attributes.len()));
                for name in names.iter() {
                    let held = self.attributes.get_key_value(name.as_str());
                    if let Some((name, value)) = held.filter(|(_, value)| value.is_live(now)) {
                        found.push(value.stored(name));
                    }
                }
                found
            }
        }
    }

    fn names(&self, now: Timestamp) -> Vec<Name> {
        if let Some(away) = &self.away {
            return away.names(now);
        }
        let live = self.attributes.iter().filter(|(_, value)| value.is_live(now));
        live.map(|(name, _)| name.clone()).collect()
    }

    /// Returns what is told of the session after its end. What lapsed before the end is no longer part of it.
    pub(super) fn ended(&self, handle: Handle, reason: EndReason, now: Timestamp, select: &Select) -> Ended {
        let end = now.min(self.record.expires_at());
        Ended {
            handle,
            principal: self.record.principal.clone(),
            names: self.names(end),
            attributes: self.select(&select.values, end),
            reason,
            created_at: self.record.created_at,
            accessed_at: self.record.accessed_at,
        }
    }
}
