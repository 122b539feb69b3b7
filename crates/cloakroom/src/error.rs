use std::error::Error as StdError;
use std::fmt;

use cloakroom_core::{self as core, InvalidText, Limit, Name, OverLimit};
use http::StatusCode;

/// Why an operation on a session failed.
///
/// With the `axum` feature it is a response: see [`status`](Self::status). The response has no body, but for a missing
/// layer or sign-in, and what it stands for is logged. Where the store failed, it is marked as
/// [`StoreFailed`](crate::StoreFailed).
pub struct Error(Box<Repr>);

struct Repr {
    kind: ErrorKind,
    attribute: Option<Name>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The store failed or did not answer in time.
    Store,
    /// The attribute's stored value cannot be decoded as the type asked for, or not be decrypted. It is unchanged.
    Undecodable,
    /// The value cannot be encoded. Nothing of the request is committed.
    Unencodable,
    /// The name, principal or label is empty, too long, or has a control character.
    InvalidText,
    /// The interval is outside [`MIN_INTERVAL`](crate::MIN_INTERVAL) to [`MAX_INTERVAL`](crate::MAX_INTERVAL).
    InvalidInterval,
    /// A limit would be passed.
    OverLimit,
    /// The principal has as many sessions as they may have. They are not signed in, and what else was to be committed with
    /// the sign-in is dropped.
    TooManySessions,
    /// Another principal has signed in to the session, or an attribute changed too often to be updated.
    Conflict,
    /// The session has ended while the request ran, or its ticket was replaced by a sign-in.
    Gone,
    /// An [`Attr`](crate::Attr) of this name is alive in this request already.
    AlreadyBorrowed,
    /// The response's head has gone out, so no cookie can be sent any more.
    HeadSent,
    /// The request has failed, or was dropped, before what it had changed was committed: that is given up. What its tasks
    /// change from then on can be committed.
    RequestFailed,
    /// Nobody is signed in.
    NotSignedIn,
    /// The sign-in is older than was asked for.
    SignInTooOld,
    /// The session's state is older than its visitor has seen: see [`Session::is_stale`](crate::Session::is_stale).
    Stale,
    /// The request did not pass a [`SessionLayer`](crate::SessionLayer).
    MissingLayer,
}

impl Error {
    fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Repr { kind, attribute: None, source: None }))
    }

    fn with_source(kind: ErrorKind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Box::new(Repr { kind, attribute: None, source: Some(source.into()) }))
    }

    fn naming(mut self, attribute: Name) -> Self {
        self.0.attribute = Some(attribute);
        self
    }

    pub(crate) fn undecodable(name: Name, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::with_source(ErrorKind::Undecodable, source).naming(name)
    }

    pub(crate) fn unencodable(name: Name, source: rmp_serde::encode::Error) -> Self {
        Self::with_source(ErrorKind::Unencodable, source).naming(name)
    }

    pub(crate) fn already_borrowed(name: Name) -> Self {
        Self::new(ErrorKind::AlreadyBorrowed).naming(name)
    }

    pub(crate) fn invalid_interval() -> Self {
        Self::new(ErrorKind::InvalidInterval)
    }

    pub(crate) fn conflict() -> Self {
        Self::new(ErrorKind::Conflict)
    }

    pub(crate) fn contended(name: Name) -> Self {
        Self::new(ErrorKind::Conflict).naming(name)
    }

    pub(crate) fn gone() -> Self {
        Self::new(ErrorKind::Gone)
    }

    pub(crate) fn head_sent() -> Self {
        Self::new(ErrorKind::HeadSent)
    }

    pub(crate) fn request_failed() -> Self {
        Self::new(ErrorKind::RequestFailed)
    }

    pub(crate) fn not_signed_in() -> Self {
        Self::new(ErrorKind::NotSignedIn)
    }

    pub(crate) fn sign_in_too_old() -> Self {
        Self::new(ErrorKind::SignInTooOld)
    }

    pub(crate) fn stale() -> Self {
        Self::new(ErrorKind::Stale)
    }

    /// The session could not be loaded, and is needed now.
    pub(crate) fn store_away() -> Self {
        core::Error::of(core::ErrorKind::Unavailable, "load").into()
    }

    pub(crate) fn missing_layer() -> Self {
        Self::new(ErrorKind::MissingLayer)
    }

    /// The task of an operation was cut off: what it did is not known.
    pub(crate) fn interrupted() -> Self {
        core::Error::of(core::ErrorKind::Other, "interrupted").into()
    }

    /// Makes the same error once more, with the text of its source.
    pub(crate) fn again(&self) -> Self {
        let Repr { kind, attribute, source } = &*self.0;
        let source = source.as_ref().map(|source| source.to_string().into());
        Self(Box::new(Repr { kind: *kind, attribute: attribute.clone(), source }))
    }

    /// Returns what kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the attribute that is at fault, if it is one.
    #[must_use]
    pub fn attribute(&self) -> Option<&str> {
        self.0.attribute.as_ref().map(Name::as_str)
    }

    /// Returns the status that this error is as a response: 503 for a failing store, 413 over a limit, 409 for a conflict,
    /// too many sessions, a session that is gone or stale, 401 where nobody is signed in, 403 where they should sign in again, 400
    /// for an unusable name or interval, and 500 otherwise.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.0.kind {
            ErrorKind::Store => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::OverLimit => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::Conflict | ErrorKind::Gone | ErrorKind::TooManySessions | ErrorKind::Stale => {
                StatusCode::CONFLICT
            }
            ErrorKind::NotSignedIn => StatusCode::UNAUTHORIZED,
            ErrorKind::SignInTooOld => StatusCode::FORBIDDEN,
            ErrorKind::InvalidText | ErrorKind::InvalidInterval => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Logs a failure that a visitor is about to be told nothing of.
    pub(crate) fn log(&self) {
        let attribute = self.attribute();
        // What says why a value cannot be decoded quotes from it.
        let source = self.source().filter(|_| self.kind() != ErrorKind::Undecodable);
        let source = source.map(|source| tracing::field::display(Chain(source)));
        if self.status().is_server_error() {
            tracing::error!(error = %self, attribute, source, "a session operation failed");
        } else {
            tracing::debug!(error = %self, attribute, source, "a session operation was refused");
        }
    }
}

/// An error and all that led to it, from the outside in.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        self.0.source().map_or(Ok(()), |source| write!(f, ": {}", Self(source)))
    }
}

/// Leaves out what says why a value cannot be decoded: it quotes from the value.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.0.source.as_ref().filter(|_| self.0.kind != ErrorKind::Undecodable);
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("attribute", &self.0.attribute)
            .field("source", &source)
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.kind {
            ErrorKind::Store => "the session store failed",
            ErrorKind::Undecodable => "a session attribute cannot be decoded",
            ErrorKind::Unencodable => "a session attribute cannot be encoded",
            ErrorKind::InvalidText => "unusable name",
            ErrorKind::InvalidInterval => "an interval must be between 1 ms and 400 days",
            ErrorKind::OverLimit => "the session would be over a limit",
            ErrorKind::TooManySessions => "the principal has too many sessions",
            ErrorKind::Conflict => "the session was changed by another request",
            ErrorKind::Gone => "the session has ended",
            ErrorKind::AlreadyBorrowed => "an `Attr` of this name is alive in this request already",
            ErrorKind::HeadSent => "the response's head has gone out: no session cookie can be sent any more",
            ErrorKind::RequestFailed => {
                "the request has failed: what it had changed in the session is given up"
            }
            ErrorKind::NotSignedIn => "nobody is signed in",
            ErrorKind::SignInTooOld => "the sign-in is too old for this: sign in again",
            ErrorKind::Stale => "the session is older than what was seen of it before",
            ErrorKind::MissingLayer => MISSING_LAYER,
        })?;
        match &self.0.attribute {
            Some(name) => write!(f, " (attribute {name:?})"),
            None => Ok(()),
        }
    }
}

/// Marks a response whose request must not be stored, whatever its status: it says that a limit was passed, or a layer within
/// has replaced what the handler had answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreNothing;

pub(crate) const MISSING_LAYER: &str = "no SessionLayer on this route: add `.layer(SessionLayer::new(store))` to the Router, after the routes that use it";

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<core::Error> for Error {
    fn from(source: core::Error) -> Self {
        Self::with_source(ErrorKind::Store, source)
    }
}

impl From<InvalidText> for Error {
    fn from(source: InvalidText) -> Self {
        Self::with_source(ErrorKind::InvalidText, source)
    }
}

impl From<OverLimit> for Error {
    fn from(source: OverLimit) -> Self {
        let kind = match source.limit {
            Limit::SessionsOfPrincipal => ErrorKind::TooManySessions,
            _ => ErrorKind::OverLimit,
        };
        Self::with_source(kind, source)
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for Error {
    fn into_response(self) -> axum_core::response::Response {
        self.log();
        let status = self.status();
        match self.kind() {
            ErrorKind::MissingLayer | ErrorKind::NotSignedIn | ErrorKind::SignInTooOld => {
                (status, self.to_string()).into_response()
            }
            ErrorKind::OverLimit => marked(status, StoreNothing),
            ErrorKind::Store => marked(status, crate::StoreFailed),
            _ => status.into_response(),
        }
    }
}

#[cfg(feature = "axum")]
fn marked<T: Clone + Send + Sync + 'static>(status: StatusCode, mark: T) -> axum_core::response::Response {
    use axum_core::response::IntoResponse as _;

    let mut response = status.into_response();
    response.extensions_mut().insert(mark);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_tells_all_that_led_to_it() {
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let outer = core::Error::new(core::ErrorKind::Unavailable, "load", reset);
        assert_eq!(Chain(&outer).to_string(), "the session store is unavailable (load): connection reset");
    }
}
