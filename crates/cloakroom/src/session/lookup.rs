use std::fmt;
use std::sync::Arc;

use cloakroom_core::{Name, Names};
use http::Extensions;

use super::{Inner, Session};
use crate::config::LoadPolicy;
use crate::error::Error;
use crate::foresight::keep_route;

/// A request's session in its extensions, and those of the layers around this one.
#[derive(Clone)]
pub(crate) struct Slot {
    inner: Arc<Inner>,
    outer: Option<Arc<Self>>,
}

impl Slot {
    pub(crate) fn put(inner: &Arc<Inner>, extensions: &mut Extensions) {
        let slot = Self { inner: Arc::clone(inner), outer: None };
        if let Some(outer) = extensions.insert(slot)
            && let Some(slot) = extensions.get_mut::<Self>()
        {
            slot.outer = Some(Arc::new(outer));
            inner.marks().put_within_another();
        }
    }

    /// Does something with each session of the request.
    pub(crate) fn for_each(&self, act: &dyn Fn(&Inner)) {
        act(&self.inner);
        if let Some(outer) = &self.outer {
            outer.for_each(act);
        }
    }

    fn named(&self, cookie: &str) -> Option<&Self> {
        if self.inner.cookie_name() == cookie { Some(self) } else { self.outer.as_deref()?.named(cookie) }
    }

    async fn open(inner: Arc<Inner>, extensions: &Extensions, wanted: &Names) -> Result<Session, Error> {
        inner.open(extensions, wanted).await?;
        Ok(Session { inner })
    }
}

impl Session {
    /// Opens the session of a request from its extensions, outside axum: in a tower service, or with tonic. Where several
    /// layers are around, it is the innermost one's.
    ///
    /// # Errors
    ///
    /// [`MissingLayer`](crate::ErrorKind::MissingLayer), or [`Store`](crate::ErrorKind::Store) when the store failed. A
    /// ticket that opens nothing is no error: the session is new then.
    pub async fn from_extensions(extensions: &Extensions) -> Result<Self, Error> {
        Self::with(extensions, &NONE).await
    }

    /// Opens the session of a request, with these attributes loaded in the same round trip.
    ///
    /// # Errors
    ///
    /// As [`from_extensions`](Self::from_extensions).
    pub async fn with_attributes(extensions: &Extensions, wanted: &[Name]) -> Result<Self, Error> {
        Self::with(extensions, &Names::from(wanted)).await
    }

    pub(crate) async fn with(extensions: &Extensions, wanted: &Names) -> Result<Self, Error> {
        let slot = extensions.get::<Slot>().ok_or_else(Error::missing_layer)?;
        Slot::open(Arc::clone(&slot.inner), extensions, wanted).await
    }
}

const NONE: Names = Names::from_static(&[]);

/// The sessions of a request that passed several layers, each with a cookie of its own.
///
/// ```
/// # use cloakroom::{Error, Sessions};
/// async fn handler(sessions: Sessions) -> Result<(), Error> {
///     let admin = sessions.named("__Host-admin").await?;
///     admin.set_named("seen", &true)
/// }
/// # let _ = handler;
/// ```
#[derive(Clone)]
pub struct Sessions {
    slot: Slot,
    /// What tells the request's route, and what that says is loaded.
    route: Extensions,
}

impl Sessions {
    /// Finds the sessions of a request in its extensions.
    ///
    /// # Errors
    ///
    /// [`MissingLayer`](crate::ErrorKind::MissingLayer).
    pub fn from_extensions(extensions: &Extensions) -> Result<Self, Error> {
        let slot = extensions.get::<Slot>().cloned().ok_or_else(Error::missing_layer)?;
        let mut route = Extensions::new();
        keep_route(extensions, &mut route);
        if let Some(policy) = extensions.get::<LoadPolicy>() {
            route.insert(policy.clone());
        }
        Ok(Self { slot, route })
    }

    /// Opens the session whose layer has this cookie name.
    ///
    /// # Errors
    ///
    /// [`MissingLayer`](crate::ErrorKind::MissingLayer) when no layer has that cookie, or
    /// [`Store`](crate::ErrorKind::Store) when the store failed.
    pub async fn named(&self, cookie: &str) -> Result<Session, Error> {
        let slot = self.slot.named(cookie).ok_or_else(Error::missing_layer)?;
        Slot::open(Arc::clone(&slot.inner), &self.route, &NONE).await
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}
