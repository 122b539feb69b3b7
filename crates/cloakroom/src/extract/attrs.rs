use std::future::Future;

use axum_core::extract::FromRequestParts;
use cloakroom_core::{Name, Names};
use http::request::Parts;

use crate::codec::Attribute;
use crate::error::Error;
use crate::session::{Attr, Session};

/// Extracts several attributes with one load.
///
/// ```
/// # use cloakroom::{Attr, Attribute, Attrs};
/// # #[derive(Default, serde::Serialize, serde::Deserialize)] struct Cart(u32);
/// # impl Attribute for Cart { const NAME: &'static str = "cart"; }
/// # #[derive(Default, serde::Serialize, serde::Deserialize)] struct Theme(u32);
/// # impl Attribute for Theme { const NAME: &'static str = "theme"; }
/// async fn handler(Attrs((mut cart, theme)): Attrs<(Attr<Cart>, Attr<Theme>)>) {
///     cart.0 += theme.0;
/// }
/// # let _ = handler;
/// ```
#[derive(Debug)]
pub struct Attrs<A>(pub A);

/// A tuple of 2 to 6 [`Attr`]s or optional [`Attr`]s.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be extracted by `Attrs`",
    note = "use a tuple of 2 to 6 `Attr<T>` or `Option<Attr<T>>`"
)]
pub trait AttributeSet: Sized {
    /// The names of the attributes.
    const NAMES: &'static [Name];

    /// Takes them from a session that was loaded with them.
    fn extract(session: &Session) -> impl Future<Output = Result<Self, Error>> + Send;
}

/// One member of such a tuple.
pub trait Member: Sized + Send {
    /// The attribute's name.
    const NAME: Name;

    /// Takes it from a session.
    fn extract(session: &Session) -> impl Future<Output = Result<Self, Error>> + Send;
}

impl<T: Attribute + Default> Member for Attr<T> {
    const NAME: Name = Name::from_static(T::NAME);

    async fn extract(session: &Session) -> Result<Self, Error> {
        session.attr().await
    }
}

impl<T: Attribute> Member for Option<Attr<T>> {
    const NAME: Name = Name::from_static(T::NAME);

    async fn extract(session: &Session) -> Result<Self, Error> {
        session.attr_if_present().await
    }
}

macro_rules! tuple {
    ($($member:ident)+) => {
        impl<$($member: Member),+> AttributeSet for ($($member,)+) {
            const NAMES: &'static [Name] = &[$($member::NAME),+];

            async fn extract(session: &Session) -> Result<Self, Error> {
                Ok(($($member::extract(session).await?,)+))
            }
        }
    };
}

tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);

impl<A: AttributeSet, S: Sync> FromRequestParts<S> for Attrs<A> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let session = Session::with(&parts.extensions, &const { Names::from_static(A::NAMES) }).await?;
        A::extract(&session).await.map(Self)
    }
}
