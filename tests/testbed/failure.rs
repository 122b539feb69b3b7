use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cloakroom::{Error, ErrorKind};

/// Why a request is not answered with what it asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The body is not what the route takes.
    BadBody,
    /// There is no such thing.
    NotFound,
    /// The attribute is not of the type that the route works on.
    WrongType,
    /// The session failed, or refused.
    Session(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Undecodable => Self::WrongType,
            _ => Self::Session(error),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::BadBody => StatusCode::BAD_REQUEST.into_response(),
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::WrongType => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
            Self::Session(error) => error.into_response(),
        }
    }
}
