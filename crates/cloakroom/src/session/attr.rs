use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::Name;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Session;
use super::access::{IntoName, name_of};
use super::attributes::Seen;
use super::state::State;
use super::ttl::ttl_of;
use super::update::ATTEMPTS;
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
/// A value that lapses by itself keeps its time to live when it is changed; one that was absent has its type's
/// [`TTL`](Attribute::TTL).
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
    /// How long it is kept if it is absent beforehand.
    ttl: Option<Duration>,
    /// Which of the request's sessions it was borrowed from.
    epoch: u64,
    /// Whether the request had failed by then.
    is_late: bool,
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
        self.attr_or_default(name_of::<T>(), ttl_of::<T>()).await
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
        self.attr_or_default(self.usable(name)?, None).await
    }

    /// Returns an attribute by reference; `None` where it is absent.
    ///
    /// # Errors
    ///
    /// As [`attr`](Self::attr).
    pub async fn attr_if_present<T: Attribute>(&self) -> Result<Option<Attr<T>>, Error> {
        let (value, loan) = self.lend(name_of::<T>(), ttl_of::<T>()).await?;
        Ok(value.map(|value| Attr { value, changed: false, loan }))
    }

    async fn attr_or_default<T>(&self, name: Name, ttl: Option<Duration>) -> Result<Attr<T>, Error>
    where
        T: Serialize + DeserializeOwned + Default,
    {
        let (value, loan) = self.lend(name, ttl).await?;
        Ok(Attr { value: value.unwrap_or_default(), changed: false, loan })
    }

    /// Borrows a name, and decodes what is there.
    async fn lend<T: DeserializeOwned>(
        &self,
        name: Name,
        ttl: Option<Duration>,
    ) -> Result<(Option<T>, Loan), Error> {
        for attempt in 0..ATTEMPTS {
            let loan = self.borrow(name.clone(), ttl).await?;
            let decoded = loan.baseline.as_ref().map(|stored| decode(&name, stored));
            match decoded.transpose() {
                Ok(value) => return Ok((value, loan)),
                Err(error) => {
                    drop(loan);
                    Box::pin(self.undecodable(&name, error, attempt)).await?;
                }
            }
        }
        Err(Error::contended(name))
    }

    async fn borrow(&self, name: Name, ttl: Option<Duration>) -> Result<Loan, Error> {
        loop {
            let borrowed = self.inner.state().borrow(&name)?;
            if let Some((baseline, epoch, is_late)) = borrowed {
                return Ok(Loan {
                    name,
                    baseline,
                    written: None,
                    ttl,
                    epoch,
                    is_late,
                    session: self.clone(),
                });
            }
            Box::pin(self.inner.fetch(std::slice::from_ref(&name))).await?;
        }
    }
}

impl State {
    /// Borrows a name, and returns the value, whose it is, and whether the request has failed already; `None` if it has to be
    /// fetched before.
    fn borrow(&mut self, name: &Name) -> Result<Option<(Option<Bytes>, u64, bool)>, Error> {
        let value = match self.look(name) {
            Seen::Value(value) => Some(value),
            Seen::Absent => None,
            Seen::Unknown => return Ok(None),
        };
        if self.attributes.borrow(name) {
            Ok(Some((value, self.epoch, self.abandoned)))
        } else {
            Err(Error::already_borrowed(name.clone()))
        }
    }

    /// Takes note of a value that may have been changed while it was lent.
    fn write_back(&mut self, loan: &Loan, written: Result<Bytes, Error>) {
        match written {
            Ok(value) if loan.baseline.as_ref() == Some(&value) => {}
            _ if self.abandoned && !loan.is_late => self.failure = Some(Error::request_failed()),
            Ok(value) => {
                let ttl = self.attributes.ttl_in_place(loan.name.as_str(), loan.ttl);
                self.attributes.set(&loan.name, value, ttl);
            }
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
        let session = self.session.clone();
        let mut state = session.inner.state();
        // What belongs to a session that was invalidated meanwhile has ended with it.
        if state.epoch != self.epoch {
            return;
        }
        state.attributes.give_back(&self.name);
        if let Some(written) = self.written.take() {
            state.write_back(self, written);
        }
    }
}

impl<T: Serialize + fmt::Debug> fmt::Debug for Attr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.value, f)
    }
}
