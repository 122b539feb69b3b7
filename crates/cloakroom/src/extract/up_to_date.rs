use axum_core::extract::FromRequestParts;
use http::request::Parts;

use crate::error::Error;
use crate::session::Session;

/// Extracts the session unless it [is stale](Session::is_stale): for routes that must not build on a state older than their
/// visitor has seen, such as a payment. Needs [`SessionLayer::track_versions`](crate::SessionLayer::track_versions): without it,
/// it rejects nothing.
///
/// Rejects with `409` and [`ErrorKind::Stale`](crate::ErrorKind::Stale). Not with `503` and a time to try again: the store itself
/// was asked already, and what is missing has most likely gone with its server, so that trying again would give the same
/// answer until somebody has looked at what is left and [accepts it](Session::accept_stale). An application that would rather
/// show that takes it as a `Result`:
///
/// ```
/// use axum::response::{IntoResponse, Redirect, Response};
/// use cloakroom::{Error, ErrorKind, Session, UpToDate};
///
/// async fn pay(session: Result<UpToDate, Error>) -> Response {
///     match session {
///         Ok(UpToDate(session)) => format!("paid by {:?}", session.principal()).into_response(),
///         Err(error) if error.kind() == ErrorKind::Stale => Redirect::to("/cart").into_response(),
///         Err(error) => error.into_response(),
///     }
/// }
///
/// /// Where the visitor has seen what is left of the cart, and says so.
/// async fn confirm_cart(session: Session) -> Redirect {
///     session.accept_stale();
///     Redirect::to("/pay")
/// }
/// # let _ = (pay, confirm_cart);
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "to be taken apart in a handler's arguments")]
pub struct UpToDate(pub Session);

impl<S: Sync> FromRequestParts<S> for UpToDate {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let session = Session::from_extensions(&parts.extensions).await?;
        session.require_up_to_date()?;
        Ok(Self(session))
    }
}
