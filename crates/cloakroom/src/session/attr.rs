use std::fmt;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use cloakroom_core::Name;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Session;
use super::access::{IntoName, name_of};
use super::attributes::Seen;
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
    changed: bool,
    loan: Loan,
}

/// A name that is borrowed. Dropping it writes back and gives the name back.
struct Loan {
    name: Name,
    /// The stored encoding; for an absent attribute, that of the default, once it may have been changed.
    baseline: Option<Bytes>,
    /// The encoding of a value that may have been changed.
    written: Option<Result<Bytes, Error>>,
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
        let loan = self.borrow(self.usable(name)?).await?;
        let value = match &loan.baseline {
            Some(stored) => decode(&loan.name, stored)?,
            None => T::default(),
        };
        Ok(Attr { value, changed: false, loan })
    }

    /// Returns an attribute by reference; `None` where it is absent.
    ///
    /// # Errors
    ///
    /// As [`attr`](Self::attr).
    pub async fn attr_if_present<T: Attribute>(&self) -> Result<Option<Attr<T>>, Error> {
        let loan = self.borrow(name_of::<T>()).await?;
        let Some(stored) = &loan.baseline else { return Ok(None) };
        let value = decode(&loan.name, stored)?;
        Ok(Some(Attr { value, changed: false, loan }))
    }

    async fn borrow(&self, name: Name) -> Result<Loan, Error> {
        loop {
            let borrowed = self.inner.state().borrow(&name)?;
            if let Some((baseline, epoch)) = borrowed {
                return Ok(Loan { name, baseline, written: None, epoch, session: self.clone() });
            }
            Box::pin(self.inner.fetch(std::slice::from_ref(&name))).await?;
        }
    }
}

impl State {
    /// Borrows a name, and returns the value and whose it is; `None` if it has to be fetched before.
    fn borrow(&mut self, name: &Name) -> Result<Option<(Option<Bytes>, u64)>, Error> {
        let value = match self.attributes.see(name.as_str()) {
            Seen::Value(value) => Some(value),
            Seen::Absent => None,
            Seen::Unknown => return Ok(None),
        };
        if self.attributes.borrow(name) {
            Ok(Some((value, self.epoch)))
        } else {
            Err(Error::already_borrowed(name.clone()))
        }
    }

    /// Takes note of a value that may have been changed while it was lent.
    fn write_back(&mut self, name: &Name, baseline: Option<&Bytes>, written: Result<Bytes, Error>) {
        match written {
            Ok(value) if baseline == Some(&value) => {}
            Ok(value) => self.attributes.set(name, value, None),
            Err(failure) => self.failure = Some(failure),
        }
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
        if !self.changed && self.loan.baseline.is_none() {
            // One that cannot be encoded is reported when it is dropped.
            self.loan.baseline = encode(&self.loan.name, &self.value).ok();
        }
        self.changed = true;
        &mut self.value
    }
}

impl<T: Serialize> Drop for Attr<T> {
    fn drop(&mut self) {
        // A request that panics commits nothing, and encoding might panic again.
        if self.changed && !std::thread::panicking() {
            self.loan.written = Some(encode(&self.loan.name, &self.value));
        }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let mut state = self.session.inner.state();
        // What belongs to a session that was invalidated meanwhile has ended with it.
        if state.epoch != self.epoch {
            return;
        }
        state.attributes.give_back(&self.name);
        if let Some(written) = self.written.take() {
            state.write_back(&self.name, self.baseline.as_ref(), written);
        }
    }
}

impl<T: Serialize + fmt::Debug> fmt::Debug for Attr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.value, f)
    }
}
