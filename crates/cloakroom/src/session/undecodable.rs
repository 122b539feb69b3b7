use std::error::Error as _;

use bytes::Bytes;
use cloakroom_core::Name;
use serde::de::DeserializeOwned;

use super::update::ATTEMPTS;
use super::{Inner, Session};
use crate::at_rest::Unopened;
use crate::codec::decode;
use crate::config::OnUndecodable;
use crate::error::Error;
use crate::telemetry;

/// Values that cannot be decoded.
impl Session {
    /// Returns a value as this request sees it, decoded and as it was.
    pub(super) async fn read<T: DeserializeOwned>(&self, name: &Name) -> Result<Option<(T, Bytes)>, Error> {
        for attempt in 0..ATTEMPTS {
            let Some(value) = self.seen(name).await? else { return Ok(None) };
            match decode(name, &value) {
                Ok(decoded) => return Ok(Some((decoded, value))),
                Err(error) => Box::pin(self.undecodable(name, error, attempt)).await?,
            }
        }
        Err(Error::contended(name.clone()))
    }

    /// Does what the layer says about a value that cannot be decoded. Returns where the attribute is worth another look.
    #[cold]
    pub(super) async fn undecodable(&self, name: &Name, error: Error, attempt: u32) -> Result<(), Error> {
        let before = self.inner.state().before(name, None);
        // What this request alone has set is no damage: it asks for the wrong type.
        let Some(before) = before.filter(|before| !before.is_edited) else { return Err(error) };
        let policy = self.inner.settings().on_undecodable;
        self.inner.tell_undecodable(name, &error, policy);
        match policy {
            OnUndecodable::Fail => Err(error),
            OnUndecodable::DropSession => {
                self.invalidate();
                Ok(())
            }
            OnUndecodable::DropAttribute if self.store_one(name, None, before).await? => Ok(()),
            OnUndecodable::DropAttribute => self.look_again(name, attempt).await,
        }
    }
}

impl Inner {
    /// Tells of a stored value that cannot be decoded. Each passes here once, each time that it is read.
    fn tell_undecodable(&self, name: &Name, error: &Error, policy: OnUndecodable) {
        telemetry::undecodable();
        let handle = self.handle().map(tracing::field::display);
        // Any other cause would quote from the value.
        let cause = error.source().and_then(|cause| cause.downcast_ref::<Unopened>());
        let cause = cause.map(tracing::field::display);
        let attribute = name.as_str();
        if policy == OnUndecodable::Fail {
            tracing::debug!(
                session.handle = handle,
                attribute,
                cause,
                "a session attribute cannot be decoded"
            );
        } else {
            tracing::warn!(
                session.handle = handle,
                attribute,
                cause,
                dropping = if policy == OnUndecodable::DropSession { "session" } else { "attribute" },
                "a session attribute cannot be decoded, and is given up"
            );
        }
    }
}
