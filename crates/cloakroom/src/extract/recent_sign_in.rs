use std::time::Duration;

use axum_core::extract::FromRequestParts;
use cloakroom_core::Principal;
use http::request::Parts;

use crate::error::Error;
use crate::session::Session;

/// Extracts the session of a visitor who signed in no longer ago than this many seconds: see
/// [`Session::require_sign_in_within`].
///
/// Rejects with `401` where nobody is signed in, and with `403` where the sign-in is older. An application that would
/// rather ask for the password takes it as a `Result`:
///
/// ```
/// use axum::response::{IntoResponse, Redirect, Response};
/// use cloakroom::{Error, ErrorKind, RecentSignIn};
///
/// /// Five minutes.
/// type Confirmed = RecentSignIn<300>;
///
/// async fn change_password(confirmed: Result<Confirmed, Error>) -> Response {
///     match confirmed {
///         Ok(confirmed) => format!("changed for {}", confirmed.principal).into_response(),
///         Err(error) if error.kind() == ErrorKind::SignInTooOld => Redirect::to("/confirm").into_response(),
///         Err(error) if error.kind() == ErrorKind::NotSignedIn => Redirect::to("/sign-in").into_response(),
///         Err(error) => error.into_response(),
///     }
/// }
/// # let _ = change_password;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecentSignIn<const SECONDS: u64> {
    /// Who is signed in.
    pub principal: Principal,
    /// Their session.
    pub session: Session,
}

impl<const SECONDS: u64, S: Sync> FromRequestParts<S> for RecentSignIn<SECONDS> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let session = Session::from_extensions(&parts.extensions).await?;
        let principal = session.require_sign_in_within(Duration::from_secs(SECONDS))?;
        Ok(Self { principal, session })
    }
}
