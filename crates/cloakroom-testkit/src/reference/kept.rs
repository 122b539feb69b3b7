use std::collections::BTreeMap;

use cloakroom_core::{
    Commit, Edit, EndReason, Ended, Handle, Name, Record, SessionInfo, Size, StoredAttribute, Timestamp,
    Wanted,
};

/// A session as it is kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) record: Record,
    pub(super) attributes: BTreeMap<Name, StoredAttribute>,
    /// Until when a sweep has claimed it.
    pub(super) claimed_until: Timestamp,
    /// Whether a sweep has claimed it, or it was to be ended when it had expired: then no commit revives it.
    pub(super) is_closed: bool,
}

impl Kept {
    pub(super) fn new(record: Record) -> Self {
        Self { record, attributes: BTreeMap::new(), claimed_until: Timestamp::default(), is_closed: false }
    }

    /// Returns what [`Record::apply`] needs to know of an attribute.
    pub(super) fn size(&self, name: &Name) -> Option<Size> {
        self.attributes.get(name).map(|held| Size { value: held.value.len() as u64, revision: held.revision })
    }

    /// Removes what has lapsed, and counts it out of the record. What lapses after the session's end stays.
    pub(super) fn drop_lapsed(&mut self, now: Timestamp) {
        let now = now.min(self.record.expires_at());
        if self.record.next_lapse.is_none_or(|lapse| now < lapse) {
            return;
        }
        self.attributes.retain(|_, held| !has_lapsed(held, now));
        let bytes = self.attributes.values().map(|held| held.name.as_str().len() + held.value.len());
        self.record.bytes = bytes.sum::<usize>() as u64;
        self.record.attributes = u32::try_from(self.attributes.len()).unwrap_or(u32::MAX);
        self.record.next_lapse = self.attributes.values().filter_map(|held| held.lapses_at).min();
    }

    /// Stores the attributes of a commit that was allowed, which the record has counted already.
    pub(super) fn write(&mut self, commit: &Commit, now: Timestamp) {
        if commit.changes.clear {
            self.attributes.clear();
        }
        for change in &commit.changes.attributes {
            let name = change.name.clone();
            let Edit::Set { value, .. } = &change.edit else {
                self.attributes.remove(&name);
                continue;
            };
            let held = StoredAttribute {
                name: name.clone(),
                value: value.clone(),
                revision: self.record.version,
                lapses_at: change.edit.lapses_at(now.minus(commit.age)),
            };
            self.attributes.insert(name, held);
        }
    }

    pub(super) fn selected(&self, wanted: &Wanted, now: Timestamp) -> Vec<StoredAttribute> {
        let held = self.attributes.values();
        held.filter(|held| wanted.includes(held.name.as_str()) && !has_lapsed(held, now)).cloned().collect()
    }

    pub(super) fn names(&self, now: Timestamp) -> Vec<Name> {
        let held = self.attributes.values();
        held.filter(|held| !has_lapsed(held, now)).map(|held| held.name.clone()).collect()
    }

    /// Tells a listener of this session, which is at its end.
    pub(super) fn ended(&self, handle: Handle, reason: EndReason, now: Timestamp) -> Ended {
        Ended {
            handle,
            principal: self.record.principal.clone(),
            names: self.names(now.min(self.record.expires_at())),
            attributes: Vec::new(),
            reason,
            created_at: self.record.created_at,
            accessed_at: self.record.accessed_at,
        }
    }

    pub(super) fn info(&self, handle: Handle) -> SessionInfo {
        SessionInfo {
            handle,
            created_at: self.record.created_at,
            accessed_at: self.record.accessed_at,
            signed_in_at: self.record.signed_in_at,
            label: self.record.label.clone(),
        }
    }
}

fn has_lapsed(held: &StoredAttribute, now: Timestamp) -> bool {
    held.lapses_at.is_some_and(|at| at <= now)
}
