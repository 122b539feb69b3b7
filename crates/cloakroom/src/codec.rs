use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::Name;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::at_rest::Unopened;
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
/// A value that is nested deeper than 128 lists may not be decodable again.
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

    /// How long the attribute is kept, counted from the commit that sets it, unless the session ends first. `None`, the
    /// default: as long as the session. 1 ms to 400 days, or it does not compile.
    ///
    /// For what is good for a short while, such as a one-time code. Each [`set`](crate::Session::set) begins the time
    /// anew; a change through an [`Attr`](crate::Attr) or [`update`](crate::Session::update) does not prolong it.
    /// [`set_for`](crate::Session::set_for) says otherwise for one value.
    const TTL: Option<Duration> = None;
}

pub(crate) fn encode<T: Serialize + ?Sized>(name: &Name, value: &T) -> Result<Bytes, Error> {
    let encoded = rmp_serde::to_vec_named(value);
    encoded.map(Bytes::from).map_err(|source| Error::unencodable(name.clone(), source))
}

/// How deep a value may be nested, as the decoder counts, for which a list in a list may be two levels: a little more than
/// the 128 lists that `serde_json` reads. Decoding needs a part of the stack for each, and a value that was altered in the
/// store must not overflow it.
const MAX_DEPTH: usize = 300;

pub(crate) fn decode<T: DeserializeOwned>(name: &Name, value: &[u8]) -> Result<T, Error> {
    if let Some(unopened) = Unopened::of(value) {
        return Err(Error::undecodable(name.clone(), unopened));
    }
    let mut decoder = rmp_serde::Deserializer::from_read_ref(value);
    decoder.set_max_depth(MAX_DEPTH);
    T::deserialize(&mut decoder).map_err(|source| Error::undecodable(name.clone(), source))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    const NAME: Name = Name::from_static("it");

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Everything {
        number: Option<i64>,
        text: String,
        bytes: Vec<u8>,
        nested: BTreeMap<String, Vec<(bool, f64)>>,
    }

    proptest! {
        #[test]
        fn any_value_comes_back(number: Option<i64>, text: String, bytes: Vec<u8>, keys: Vec<String>) {
            let nested = keys.into_iter().map(|key| (key, vec![(true, 0.5)])).collect();
            let value = Everything { number, text, bytes, nested };
            let encoded = encode(&NAME, &value).unwrap();
            prop_assert_eq!(Unopened::of(&encoded), None);
            prop_assert_eq!(decode::<Everything>(&NAME, &encoded).unwrap(), value);
        }

        #[test]
        fn any_bytes_decode_or_are_refused_by_name(bytes: Vec<u8>) {
            for refused in [
                decode::<Everything>(&NAME, &bytes).err(),
                decode::<serde_json::Value>(&NAME, &bytes).err(),
                decode::<BTreeMap<String, u32>>(&NAME, &bytes).err(),
            ].into_iter().flatten() {
                prop_assert_eq!(refused.attribute(), Some("it"));
            }
        }
    }

    /// What says that it is long may be short: nothing is set aside for it beforehand.
    #[test]
    fn a_length_that_is_a_lie_is_refused() {
        for lie in [
            &[0xdd, 0xff, 0xff, 0xff, 0xff][..],
            &[0xdf, 0xff, 0xff, 0xff, 0xff],
            &[0xc6, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(decode::<Vec<u64>>(&NAME, lie).is_err());
            assert!(decode::<serde_json::Value>(&NAME, lie).is_err());
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let nested = |depth| [vec![0x91; depth], vec![0x90]].concat();
        assert!(decode::<serde_json::Value>(&NAME, &nested(128)).is_ok());
        for too_deep in [MAX_DEPTH, 100_000] {
            assert!(decode::<serde_json::Value>(&NAME, &nested(too_deep)).is_err());
        }
    }
}
