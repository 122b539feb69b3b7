use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use crate::codec::Attribute;
use crate::error::Error;
use crate::session::{Attr, Session, name_of};

impl<T: Attribute + Default, S: Sync> FromRequestParts<S> for Attr<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        Session::with_attributes(&parts.extensions, &[name_of::<T>()]).await?.attr().await
    }
}

impl<T: Attribute, S: Sync> OptionalFromRequestParts<S> for Attr<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Error> {
        Session::with_attributes(&parts.extensions, &[name_of::<T>()]).await?.attr_if_present().await
    }
}
