use axum_core::extract::FromRequestParts;
use http::request::Parts;

use crate::error::Error;
use crate::session::{Flash, Session};

impl<S: Sync> FromRequestParts<S> for Flash {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        Ok(Session::with_attributes(&parts.extensions, &[Self::NAME]).await?.flash())
    }
}
