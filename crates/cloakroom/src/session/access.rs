use std::time::Duration;

use cloakroom_core::{Limit, Name, OverLimit};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Session;
use super::attributes::Seen;
use super::ttl::ttl_of;
use crate::codec::{Attribute, encode};
use crate::error::Error;

/// Attributes, by type and by name.
impl Session {
    /// Returns an attribute; `None` if it is absent.
    ///
    /// # Errors
    ///
    /// [`Undecodable`](crate::ErrorKind::Undecodable) when the stored value is no `T` (it is left as it is, and harms no
    /// other attribute), unless the layer's [`OnUndecodable`](crate::OnUndecodable) says otherwise; [`Gone`](crate::ErrorKind::Gone) when it had to be fetched and the session has ended meanwhile;
    /// [`Store`](crate::ErrorKind::Store) when it had to be fetched and the store failed.
    pub async fn get<T: Attribute>(&self) -> Result<Option<T>, Error> {
        self.get_named(name_of::<T>()).await
    }

    /// Returns the attribute of this name; `None` if it is absent, which one of an impossible name always is.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn get_named<T: DeserializeOwned>(&self, name: impl IntoName) -> Result<Option<T>, Error> {
        let Ok(name) = name.into_name() else { return Ok(None) };
        Ok(self.read(&name).await?.map(|(value, _)| value))
    }

    /// Sets an attribute, and keeps it as long as the session, or as its type's [`TTL`](Attribute::TTL) says, counted
    /// from the commit. A value that equals the stored one is not written, unless its time to live begins anew.
    ///
    /// As nothing is written then, another request may change it: a later fetch or [`reload`](Self::reload) shows what that
    /// has stored. Where a value must hold against others, there is [`update`](Self::update).
    ///
    /// # Errors
    ///
    /// [`Unencodable`](crate::ErrorKind::Unencodable), or [`OverLimit`](crate::ErrorKind::OverLimit) when the value alone
    /// is larger than an attribute may be; the attribute is then as before. Whether the session as a whole is within its
    /// limits is known at the commit.
    pub fn set<T: Attribute>(&self, value: &T) -> Result<(), Error> {
        self.put(name_of::<T>(), value, ttl_of::<T>())
    }

    /// Sets the attribute of this name, and keeps it as long as the session.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set), and [`InvalidText`](crate::ErrorKind::InvalidText) for an impossible name.
    pub fn set_named<T: Serialize + ?Sized>(&self, name: impl IntoName, value: &T) -> Result<(), Error> {
        self.put(name, value, None)
    }

    /// Removes an attribute. Nothing happens if it is absent.
    pub fn remove<T: Attribute>(&self) {
        self.remove_named(name_of::<T>());
    }

    /// Removes the attribute of this name. Nothing happens if it is absent.
    pub fn remove_named(&self, name: impl IntoName) {
        if let Ok(name) = name.into_name() {
            self.inner.state().attributes.remove(&name);
        }
    }

    /// Removes an attribute and returns what it was. Two requests at once may both be given it: for values that may be
    /// used only once there is [`take_once`](Self::take_once).
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get); then it is not removed.
    pub async fn take<T: Attribute>(&self) -> Result<Option<T>, Error> {
        self.take_named(name_of::<T>()).await
    }

    /// Removes the attribute of this name and returns what it was.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub async fn take_named<T: DeserializeOwned>(&self, name: impl IntoName) -> Result<Option<T>, Error> {
        let Ok(name) = name.into_name() else { return Ok(None) };
        let value = self.get_named(name.clone()).await?;
        self.inner.state().attributes.remove(&name);
        Ok(value)
    }

    /// Returns whether an attribute exists.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), but for an undecodable value, which exists.
    pub async fn contains<T: Attribute>(&self) -> Result<bool, Error> {
        self.contains_named(name_of::<T>()).await
    }

    /// Returns whether the attribute of this name exists.
    ///
    /// # Errors
    ///
    /// As [`contains`](Self::contains).
    pub async fn contains_named(&self, name: impl IntoName) -> Result<bool, Error> {
        let Ok(name) = name.into_name() else {
            return Ok(false);
        };
        Ok(self.seen(&name).await?.is_some())
    }

    /// Removes every attribute, also those that were not loaded. The session itself lives on.
    pub fn clear(&self) {
        self.inner.state().attributes.clear();
    }

    /// Returns the names of all attributes, sorted, as this request sees them.
    ///
    /// # Errors
    ///
    /// [`Gone`](crate::ErrorKind::Gone) when the session has ended meanwhile, [`Store`](crate::ErrorKind::Store) when the
    /// store failed.
    pub async fn attribute_names(&self) -> Result<Vec<Name>, Error> {
        let known = self.inner.state().knows_all_names();
        let stored = if known { Vec::new() } else { self.inner.fetch_names().await? };
        Ok(self.inner.state().attributes.names(stored))
    }

    /// Returns a value as this request sees it, fetched if need be.
    pub(super) async fn seen(&self, name: &Name) -> Result<Option<bytes::Bytes>, Error> {
        loop {
            let seen = self.inner.state().look(name);
            match seen {
                Seen::Value(value) => return Ok(Some(value)),
                Seen::Absent => return Ok(None),
                Seen::Unknown => Box::pin(self.inner.fetch(std::slice::from_ref(name))).await?,
            }
        }
    }

    /// Checks a name that is to be set.
    pub(super) fn usable(&self, name: impl IntoName) -> Result<Name, Error> {
        let name = name.into_name()?;
        let max = self.inner.settings().name_bytes;
        if name.as_str().len() > max {
            return Err(OverLimit { limit: Limit::NameBytes, max: max as u64 }.into());
        }
        Ok(name)
    }

    /// Checks a value that is to be set.
    pub(super) fn fits(&self, name: &Name, value: &[u8]) -> Result<(), Error> {
        let max = self.inner.settings().limits.attribute_bytes;
        let bytes = value.len() + self.inner.shared.at_rest.overhead();
        if bytes as u64 <= max {
            return Ok(());
        }
        // One that is known to be too large already may shrink.
        let stored = self.inner.state().attributes.stored_bytes(name.as_str());
        if stored.is_none_or(|stored| value.len() > stored) {
            return Err(OverLimit { limit: Limit::AttributeBytes(name.clone()), max }.into());
        }
        Ok(())
    }

    pub(super) fn put<T: Serialize + ?Sized>(
        &self,
        name: impl IntoName,
        value: &T,
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        let name = self.usable(name)?;
        let value = encode(&name, value)?;
        self.fits(&name, &value)?;
        self.inner.state().attributes.set(&name, value, ttl);
        Ok(())
    }
}

/// What can name an attribute: a text, which is copied, or a [`Name`], which is not.
pub trait IntoName {
    /// Checks the name.
    ///
    /// # Errors
    ///
    /// [`InvalidText`](crate::ErrorKind::InvalidText), or [`OverLimit`](crate::ErrorKind::OverLimit) when it has more
    /// than 256 bytes.
    fn into_name(self) -> Result<Name, Error>;
}

impl IntoName for Name {
    fn into_name(self) -> Result<Name, Error> {
        Ok(self)
    }
}

impl IntoName for &str {
    fn into_name(self) -> Result<Name, Error> {
        self.to_owned().into_name()
    }
}

impl IntoName for String {
    fn into_name(self) -> Result<Name, Error> {
        checked(Name::new(self))
    }
}

impl IntoName for &String {
    fn into_name(self) -> Result<Name, Error> {
        self.clone().into_name()
    }
}

/// Returns the name of an attribute's type. An impossible one does not compile.
pub(crate) fn name_of<T: Attribute>() -> Name {
    const { Name::from_static(T::NAME) }
}

fn checked(name: Result<Name, cloakroom_core::InvalidText>) -> Result<Name, Error> {
    name.map_err(|invalid| match invalid {
        cloakroom_core::InvalidText::TooLong => OverLimit { limit: Limit::NameBytes, max: 256 }.into(),
        invalid => invalid.into(),
    })
}
