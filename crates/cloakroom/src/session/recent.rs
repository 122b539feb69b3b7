use std::time::{Duration, SystemTime};

use cloakroom_core::Principal;

use super::Session;
use super::state::Target;
use crate::error::Error;

/// How long ago the sign-in was.
impl Session {
    /// Returns when the principal signed in, by the store's clock.
    #[must_use]
    pub fn signed_in_at(&self) -> Option<SystemTime> {
        let state = self.inner.state();
        state.opened().and_then(|open| open.snapshot.meta.signed_in_at).map(SystemTime::from)
    }

    /// Returns who is signed in, provided that the sign-in is no older than `max_age`, by the store's clock when the request last
    /// heard of its session: in a web socket, or another request that lasts, [`reload`](Self::reload) first. For what a visitor
    /// should confirm by signing in again, such as a change of password (OWASP ASVS 5.0, 7.5.1 and 7.5.3): check the password
    /// or the further factor, and call [`sign_in`](Self::sign_in) once more.
    ///
    /// A sign-in of this same request is as recent as can be. In axum there is the extractor `RecentSignIn`.
    ///
    /// # Errors
    ///
    /// [`NotSignedIn`](crate::ErrorKind::NotSignedIn), as a response `401`;
    /// [`SignInTooOld`](crate::ErrorKind::SignInTooOld), as a response `403`; or
    /// [`Store`](crate::ErrorKind::Store) where the request runs without its session because the store failed.
    pub fn require_sign_in_within(&self, max_age: Duration) -> Result<Principal, Error> {
        let state = self.inner.state();
        if let Some(principal) = &state.terms.sign_in {
            return Ok(principal.clone());
        }
        if matches!(state.target, Target::Unreachable) {
            return Err(Error::store_away());
        }
        let open = state.opened().ok_or_else(Error::not_signed_in)?;
        let meta = &open.snapshot.meta;
        let signed_in = meta.principal.clone().zip(meta.signed_in_at);
        let (principal, at) = signed_in.ok_or_else(Error::not_signed_in)?;
        if open.heard_at.since(at) <= max_age { Ok(principal) } else { Err(Error::sign_in_too_old()) }
    }
}
