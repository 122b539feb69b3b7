use std::collections::BTreeSet;

use cloakroom_core::{
    EndReason, Ended, Handle, Name, Opened, Select, SessionInfo, Size, Standing, StoredAttribute, Timestamp,
    Wanted,
};

use super::Session;
use crate::error::Result;
use crate::format::Held;

/// What is told of a session.
impl Session {
    pub(crate) fn handle(&self) -> Handle {
        self.header.handle
    }

    pub(crate) fn open(&self, standing: Standing, now: Timestamp, select: &Select) -> Result<Box<Opened>> {
        let attributes = self.select(&select.values, now)?;
        let names = select.names.then(|| self.names(now));
        Ok(Box::new(Opened { standing, now, meta: self.record.meta(), attributes, names }))
    }

    /// Returns what is told of the session after its end. What lapsed before the end is no longer part of it.
    pub(crate) fn ended(&self, reason: EndReason, now: Timestamp, select: &Select) -> Result<Ended> {
        let end = now.min(self.record.expires_at());
        Ok(Ended {
            handle: self.handle(),
            principal: self.record.principal.clone(),
            names: self.names(end),
            attributes: self.select(&select.values, end)?,
            reason,
            created_at: self.record.created_at,
            accessed_at: self.record.accessed_at,
        })
    }

    pub(crate) fn info(&self) -> SessionInfo {
        let record = &self.record;
        SessionInfo {
            handle: self.handle(),
            created_at: record.created_at,
            accessed_at: record.accessed_at,
            signed_in_at: record.signed_in_at,
            label: record.label.clone(),
        }
    }

    pub(crate) fn size(&self, name: &Name) -> Option<Size> {
        let held = self.attributes.get(name)?;
        Some(Size { value: held.length.into(), revision: held.revision })
    }

    fn names(&self, now: Timestamp) -> Vec<Name> {
        let live = self.attributes.iter().filter(|(_, held)| held.is_live(now));
        live.map(|(name, _)| name.clone()).collect()
    }

    fn select(&self, wanted: &Wanted, now: Timestamp) -> Result<Vec<StoredAttribute>> {
        let live = |held: &&Held| held.is_live(now);
        match wanted {
            Wanted::Nothing => Ok(Vec::new()),
            Wanted::Everything => {
                let all = self.attributes.iter().filter(|(_, held)| live(held));
                all.map(|(name, held)| self.stored(name, held)).collect()
            }
            Wanted::Named(names) => {
                let names: BTreeSet<_> = names.iter().collect();
                let held = |name| Some((name, self.attributes.get(name).filter(live)?));
                names.into_iter().filter_map(held).map(|(name, held)| self.stored(name, held)).collect()
            }
        }
    }

    fn stored(&self, name: &Name, held: &Held) -> Result<StoredAttribute> {
        Ok(StoredAttribute {
            name: name.clone(),
            value: self.value(held)?,
            revision: held.revision,
            lapses_at: held.lapses_at,
        })
    }

    /// Removes attributes whose time to live has passed, counts them out of the record, and returns their names.
    pub(crate) fn drop_lapsed(&mut self, now: Timestamp) -> Vec<Name> {
        if self.record.next_lapse.is_none_or(|lapse| now < lapse) {
            return Vec::new();
        }
        let lapsed: Vec<_> = self.attributes.extract_if(.., |_, held| !held.is_live(now)).collect();
        for (name, held) in &lapsed {
            let size = name.as_str().len() as u64 + u64::from(held.length);
            self.record.attributes = self.record.attributes.saturating_sub(1);
            self.record.bytes = self.record.bytes.saturating_sub(size);
        }
        self.record.next_lapse = self.attributes.values().filter_map(|held| held.lapses_at).min();
        lapsed.into_iter().map(|(name, _)| name).collect()
    }
}
