use std::time::SystemTime;

use cloakroom_core::{Ended, Handle, Name, Principal, StoredAttribute, Timestamp};
use serde::de::DeserializeOwned;

use crate::codec::{Attribute, decode};
use crate::error::Error;

/// What a [`SessionEvent`](super::SessionEvent) tells of its session. Never a ticket, and never a value that was not asked for.
#[derive(Clone, Debug)]
pub struct SessionDetails {
    handle: Handle,
    principal: Option<Principal>,
    created_at: Timestamp,
    accessed_at: Timestamp,
    names: Vec<Name>,
    attributes: Vec<StoredAttribute>,
}

impl SessionDetails {
    /// Tells of a session that lives, as of an access.
    pub(crate) fn live(
        handle: Handle,
        principal: Option<Principal>,
        created_at: Timestamp,
        accessed_at: Timestamp,
    ) -> Self {
        Self { handle, principal, created_at, accessed_at, names: Vec::new(), attributes: Vec::new() }
    }

    /// Returns the session's public name.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle
    }

    /// Returns who is, or was, signed in.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// Returns when the session was created, by the store's clock.
    #[must_use]
    pub fn created_at(&self) -> SystemTime {
        self.created_at.into()
    }

    /// Returns the last access, by the store's clock: for a session that lives, the one that this event comes from; for one
    /// that has ended, the last that was recorded.
    #[must_use]
    pub fn last_accessed_at(&self) -> SystemTime {
        self.accessed_at.into()
    }

    /// Returns the names of the attributes that an ended session had at its end, sorted. Of a session that lives, none.
    #[must_use]
    pub fn attribute_names(&self) -> &[Name] {
        &self.names
    }

    /// Returns an attribute as it was at the session's end; `None` if it was absent, or is not among those that the
    /// listener [asks for](super::SessionListener::wants). Only expired sessions have values to tell.
    ///
    /// # Errors
    ///
    /// [`Undecodable`](crate::ErrorKind::Undecodable) when the value is no `T`.
    pub fn get<T: Attribute>(&self) -> Result<Option<T>, Error> {
        self.get_named(T::NAME)
    }

    /// Returns the attribute of this name as it was at the session's end.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn get_named<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let found = self.attributes.iter().find(|attribute| attribute.name.as_str() == name);
        found.map(|attribute| decode(&attribute.name, &attribute.value)).transpose()
    }
}

impl From<Ended> for SessionDetails {
    fn from(ended: Ended) -> Self {
        let Ended { handle, principal, names, attributes, created_at, accessed_at, .. } = ended;
        Self { handle, principal, created_at, accessed_at, names, attributes }
    }
}
