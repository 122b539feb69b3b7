use std::fmt;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use cloakroom_core::Name;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Session;
use super::access::{IntoName, name_of};
use super::state::State;
use crate::codec::{Attribute, decode, encode};
use crate::error::Error;

/// An attribute of the session, by reference: what is changed through it is written back, what is not is not.
///
/// As an extractor it takes the attribute's default where it is absent; `Option<Attr<T>>` tells whether it is there, and
/// asks for no `Default`. A default that was not changed is not stored.
///
/// The change is noticed when the `Attr` is dropped, by comparing encodings: so it counts for a commit after that, and one
/// made through `&T` with interior mutability goes unseen. While one is alive, a second of the same name is refused in the
/// same request. A value that cannot be encoded makes the request fail: 500, and nothing of it is committed.
///
/// ```
/// # use cloakroom::{Attr, Attribute};
/// # #[derive(Default, serde::Serialize, serde::Deserialize)] struct Cart { items: Vec<String> }
/// # impl Attribute for Cart { const NAME: &'static str = "cart"; }
/// async fn add(mut cart: Attr<Cart>) {
///     cart.items.push("tea".to_owned());
/// }
/// # let _ = add;
/// ```
pub struct Attr<T: Serialize> {
    value: T,
    name: Name,
    /// The stored encoding; for an absent attribute, that of the default, once it may have been changed.
    baseline: Option<Bytes>,
    changed: bool,
    /// Which of the request's sessions it was borrowed from.
    epoch: u64,
    session: Session,
}

impl Session {
    /// Returns an attribute by reference, or its default where it is absent.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), and [`AlreadyBorrowed`](crate::ErrorKind::AlreadyBorrowed) while another [`Attr`] of
    /// the name is alive in this request.
    pub async fn attr<T: Attribute + Default>(&self) -> Result<Attr<T>, Error> {
        self.attr_named(name_of::<T>()).await
    }

    /// Returns the attribute of this name by reference, or its type's default where it is absent.
    ///
    /// # Errors
    ///
    /// As [`attr`](Self::attr), and [`InvalidText`](crate::ErrorKind::InvalidText) for an impossible name.
    pub async fn attr_named<T>(&self, name: impl IntoName) -> Result<Attr<T>, Error>
    where
        T: Serialize + DeserializeOwned + Default,
    {
        let name = self.usable(name)?;
        match self.borrow(&name).await? {
            Some(attr) => Ok(attr),
            None => self.lend(name, T::default(), None),
        }
    }

    /// Returns an attribute by reference; `None` where it is absent.
    ///
    /// # Errors
    ///
    /// As [`attr`](Self::attr).
    pub async fn attr_if_present<T: Attribute>(&self) -> Result<Option<Attr<T>>, Error> {
        self.borrow(&name_of::<T>()).await
    }

    async fn borrow<T: Serialize + DeserializeOwned>(&self, name: &Name) -> Result<Option<Attr<T>>, Error> {
        match self.seen(name).await? {
            Some(stored) => self.lend(name.clone(), decode(name, &stored)?, Some(stored)).map(Some),
            None => Ok(None),
        }
    }

    fn lend<T: Serialize>(&self, name: Name, value: T, baseline: Option<Bytes>) -> Result<Attr<T>, Error> {
        let epoch = {
            let mut state = self.inner.state();
            if !state.attributes.borrow(&name) {
                return Err(Error::already_borrowed(name));
            }
            state.epoch
        };
        Ok(Attr { value, name, baseline, changed: false, epoch, session: self.clone() })
    }
}

impl<T: Serialize> Deref for Attr<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Serialize> DerefMut for Attr<T> {
    fn deref_mut(&mut self) -> &mut T {
        if !self.changed && self.baseline.is_none() {
            // One that cannot be encoded is reported when it is dropped.
            self.baseline = encode(&self.name, &self.value).ok();
        }
        self.changed = true;
        &mut self.value
    }
}

impl<T: Serialize> Drop for Attr<T> {
    fn drop(&mut self) {
        // A request that panics commits nothing, and encoding might panic again.
        let changed = self.changed && !std::thread::panicking();
        let written = changed.then(|| encode(&self.name, &self.value));
        let mut state = self.session.inner.state();
        // What belongs to a session that was invalidated meanwhile has ended with it.
        if state.epoch != self.epoch {
            return;
        }
        state.attributes.give_back(&self.name);
        let written = written.map(|value| value.map(|value| self.write_back(&mut state, value)));
        if let Some(Err(failure)) = written {
            state.failure = Some(failure);
        }
    }
}

impl<T: Serialize> Attr<T> {
    fn write_back(&self, state: &mut State, value: Bytes) {
        if self.baseline.as_ref() != Some(&value) {
            state.attributes.set(&self.name, value, None);
        }
    }
}

impl<T: Serialize + fmt::Debug> fmt::Debug for Attr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.value, f)
    }
}
