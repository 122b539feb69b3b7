use std::collections::HashMap;

use bytes::Bytes;
use cloakroom_core::{Commit, Edit, Error, ErrorKind, Timestamp};
use futures_util::future::try_join_all;

use super::{NatsStore, at};
use crate::wire::{Attribute, Manifest, Place, Value};

/// The largest value that may stand in its session's message, and how many bytes all of them may have there together.
const INLINE: usize = 1 << 10;
const ALL_INLINE: usize = 4 << 10;

/// The values of one commit, and which of them are stored as messages of their own. They are stored once, however often
/// the commit must be decided on.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    store: &'a NatsStore,
    commit: &'a Commit,
    /// By the number of the change.
    stored: HashMap<usize, Vec<Place>>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(store: &'a NatsStore, commit: &'a Commit) -> Self {
        Self { store, commit, stored: HashMap::new() }
    }

    /// Applies the changes to a session's attributes, and returns which values must be stored before the session is.
    pub(super) fn edit(&self, manifest: &mut Manifest, at: Timestamp) -> Vec<usize> {
        let changes = &self.commit.changes;
        if changes.clear {
            manifest.attributes.clear();
        }
        for change in &changes.attributes {
            manifest.attributes.retain(|it| it.name != change.name);
        }
        let mut inline: usize = manifest.attributes.iter().map(inline_bytes).sum();
        let mut missing = Vec::new();
        for (number, change) in changes.attributes.iter().enumerate() {
            let Edit::Set { value, .. } = &change.edit else { continue };
            let fits = value.len() <= INLINE && inline + value.len() <= ALL_INLINE;
            let value = match self.stored.get(&number) {
                Some(places) => elsewhere(value, places.clone()),
                None if fits => {
                    inline += value.len();
                    Value::Inline(value.clone())
                }
                None => {
                    missing.push(number);
                    elsewhere(value, Vec::new())
                }
            };
            let (revision, lapses_at) = (manifest.record.version, change.edit.lapses_at(at));
            manifest.attributes.push(Attribute { name: change.name.clone(), revision, lapses_at, value });
        }
        manifest.attributes.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        missing
    }

    /// Stores these values.
    pub(super) async fn store(&mut self, during: &'static str, missing: &[usize]) -> Result<(), Error> {
        if !missing.is_empty() && self.store.jet.is_short() {
            return Err(Error::of(ErrorKind::Full, during));
        }
        let values = missing.iter().map(|number| self.store_value(during, *number));
        let stored = try_join_all(values).await?;
        self.stored.extend(missing.iter().copied().zip(stored));
        Ok(())
    }

    async fn store_value(&self, during: &'static str, number: usize) -> Result<Vec<Place>, Error> {
        let change = self.commit.changes.attributes.get(number);
        let Some(Edit::Set { value, .. }) = change.map(|change| &change.edit) else {
            return Ok(Vec::new());
        };
        let largest = self.store.jet.largest_part();
        let handle = self.commit.guard.handle;
        let parts = (0..value.len()).step_by(largest).map(|from| {
            let body = value.slice(from..value.len().min(from + largest));
            let number = u32::try_from(number * 4096 + from / largest).unwrap_or(u32::MAX);
            let place = Place { sequence: 0, commit: self.commit.id, number };
            let subject = self.store.subjects.part(handle, &place);
            async move {
                let sequence = self.store.jet.store(&subject, body).await?;
                Ok(Place { sequence, ..place })
            }
        });
        try_join_all(parts).await.map_err(at(during))
    }

    /// Puts into the session where the values are that were stored since it was edited.
    pub(super) fn tell(&self, manifest: &mut Manifest) {
        for (number, change) in self.commit.changes.attributes.iter().enumerate() {
            let found = manifest.attributes.iter_mut().find(|it| it.name == change.name);
            if let (Some(places), Some(attribute)) = (self.stored.get(&number), found)
                && let Value::Elsewhere { places: told, .. } = &mut attribute.value
            {
                told.clone_from(places);
            }
        }
    }

    /// Removes what was stored for a commit that was not applied.
    pub(super) fn discard(self) {
        self.store
            .remove_parts_later(self.commit.guard.handle, self.stored.into_values().flatten().collect());
    }
}

fn inline_bytes(attribute: &Attribute) -> usize {
    if let Value::Inline(bytes) = &attribute.value { bytes.len() } else { 0 }
}

fn elsewhere(value: &Bytes, places: Vec<Place>) -> Value {
    Value::Elsewhere { bytes: value.len() as u64, places }
}
