use std::marker::PhantomData;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use cloakroom_core::{Name, Names};
use http::request::Parts;

use crate::codec::Attribute;
use crate::error::Error;
use crate::session::{Attr, Session};

impl<T: Attribute + Default, S: Sync> FromRequestParts<S> for Attr<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        Session::with(&parts.extensions, &Only::<T>::NAMES).await?.attr().await
    }
}

impl<T: Attribute, S: Sync> OptionalFromRequestParts<S> for Attr<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Error> {
        Session::with(&parts.extensions, &Only::<T>::NAMES).await?.attr_if_present().await
    }
}

/// What is loaded for one attribute alone: a constant.
struct Only<T>(PhantomData<T>);

impl<T: Attribute> Only<T> {
    const LISTED: &'static [Name] = &[Name::from_static(T::NAME)];
    const NAMES: Names = Names::from_static(Self::LISTED);
}
