use bytes::Bytes;
use cloakroom_core::Name;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// A value that lives in the session under a name of its own.
///
/// Stored as MessagePack with named fields, so a struct can gain fields that have a `#[serde(default)]`. A server that
/// runs an older version of the struct drops the new fields when it rewrites the attribute; to avoid that during a
/// rolling deploy, keep them with `#[serde(flatten)] rest: BTreeMap<String, rmpv::Value>`, or use a new name.
///
/// Changes are noticed by comparing encodings. An unordered map or set may encode differently each time and be written
/// needlessly: prefer `BTreeMap` and `BTreeSet`.
///
/// # Examples
///
/// ```
/// use cloakroom::Attribute;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Cart {
///     items: Vec<String>,
/// }
///
/// impl Attribute for Cart {
///     const NAME: &'static str = "cart";
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session attribute",
    note = "add `impl Attribute for {Self} {{ const NAME: &'static str = \"...\"; }}`; it must also be `Serialize` and \
            `DeserializeOwned`"
)]
pub trait Attribute: Serialize + DeserializeOwned + Send {
    /// The attribute's name in the session: 1 to 256 bytes without control characters, or it does not compile.
    const NAME: &'static str;
}

pub(crate) fn encode<T: Serialize + ?Sized>(name: &Name, value: &T) -> Result<Bytes, Error> {
    let encoded = rmp_serde::to_vec_named(value);
    encoded.map(Bytes::from).map_err(|source| Error::unencodable(name.clone(), source))
}

pub(crate) fn decode<T: DeserializeOwned>(name: &Name, value: &[u8]) -> Result<T, Error> {
    rmp_serde::from_slice(value).map_err(|source| Error::undecodable(name.clone(), source))
}
