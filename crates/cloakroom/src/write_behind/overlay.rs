use cloakroom_core::{Name, Opened, Select, StoredAttribute, Timestamp};

use super::batch::Batch;
use super::known::Known;

/// Puts what is held back over a snapshot of the version that it is based on.
pub(super) fn overlay(opened: &mut Opened, select: &Select, batch: &Batch, known: &Known, asked: Timestamp) {
    let version = known.record.version;
    if batch.clears() {
        opened.attributes.clear();
        opened.names = opened.names.take().map(|_| Vec::new());
    }
    for (name, value) in batch.edits() {
        if select.values.includes(name.as_str()) {
            opened.attributes.retain(|stored| stored.name != *name);
            opened.attributes.extend(value.map(|value| StoredAttribute {
                name: name.clone(),
                value: value.clone(),
                revision: version,
                lapses_at: None,
            }));
        }
        if let Some(names) = &mut opened.names {
            list(names, name, value.is_some());
        }
    }
    let meta = &mut opened.meta;
    meta.version = version;
    meta.accessed_at = meta.accessed_at.max(opened.now.minus(asked.since(batch.newest())));
    (meta.attributes, meta.bytes) = (known.record.attributes, known.record.bytes);
    if batch.label().is_some() {
        meta.label = batch.label().cloned();
    }
}

fn list(names: &mut Vec<Name>, name: &Name, is_present: bool) {
    match (names.binary_search(name), is_present) {
        (Err(index), true) => names.insert(index, name.clone()),
        (Ok(index), false) => drop(names.remove(index)),
        _ => {}
    }
}
