use std::time::SystemTime;

use cloakroom::core::{
    DynStore, Error, Freshness, Guard, Load, Loaded, Opened, Select, StoredAttribute, Touch, Version, Wanted,
};
use cloakroom::{Attribute as _, Handle};

use super::bytes::Bytes;
use crate::attributes::Trunk;

/// A session as it is in the store.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) handle: Handle,
    pub(super) principal: Option<String>,
    pub(super) created_at: SystemTime,
    pub(super) version: Version,
    pub(super) total: Bytes,
    pub(super) attributes: Vec<Held>,
}

/// An attribute in a session.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) name: String,
    /// Of the name and the value.
    pub(super) size: Bytes,
    /// The version of the session that last wrote it.
    pub(super) revision: Version,
}

impl Snapshot {
    /// Looks at a session, past the layer and its count. It is no access to the session.
    pub(super) async fn take(store: &dyn DynStore, guard: Guard) -> Result<Option<Self>, Error> {
        let select = Select { values: Wanted::Everything, names: false };
        let load = Load { guard, select, touch: Touch::Never, freshness: Freshness::Any };
        match store.dyn_load(&load).await? {
            Loaded::Open(opened) => Ok(Some(Self::of(guard.handle, *opened))),
            Loaded::Absent | Loaded::Superseded => Ok(None),
        }
    }

    fn of(handle: Handle, opened: Opened) -> Self {
        let mut attributes: Vec<_> = opened.attributes.iter().map(Held::of).collect();
        attributes.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            handle,
            principal: opened.meta.principal.map(|principal| principal.to_string()),
            created_at: opened.meta.created_at.into(),
            version: opened.meta.version,
            total: Bytes(opened.meta.bytes),
            attributes,
        }
    }
}

impl Held {
    fn of(attribute: &StoredAttribute) -> Self {
        let name = attribute.name.as_str();
        Self {
            name: name.to_owned(),
            size: Bytes((name.len() + attribute.value.len()) as u64),
            revision: attribute.revision,
        }
    }

    pub(super) fn is_trunk(&self) -> bool {
        self.name == Trunk::NAME
    }
}
