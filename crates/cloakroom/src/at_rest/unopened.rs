use std::fmt;

use super::NOT_PLAIN;

/// Why a stored value is not a plain encoding, nor could be made one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unopened {
    /// It is encrypted, and no encryption is set up.
    Encrypted,
    /// It is encrypted with a key that is not known.
    UnknownKey,
    /// It was altered, or moved here from another session, name or namespace.
    Altered,
    /// It is not encrypted, and must be.
    Plain,
    /// It was encrypted in another format.
    Format,
}

impl Unopened {
    /// Returns what stands in the place of a value that did not open. Nothing decodes it.
    #[cfg(feature = "encryption")]
    pub(super) fn mark(self) -> bytes::Bytes {
        bytes::Bytes::from_static(match self {
            Self::Encrypted => &[NOT_PLAIN, 0],
            Self::UnknownKey => &[NOT_PLAIN, 1],
            Self::Altered => &[NOT_PLAIN, 2],
            Self::Plain => &[NOT_PLAIN, 3],
            Self::Format => &[NOT_PLAIN, 4],
        })
    }

    /// Returns why a value is no plain encoding; `None` if it is one, or at least may be.
    #[inline]
    pub(crate) fn of(value: &[u8]) -> Option<Self> {
        match value {
            [NOT_PLAIN, 1] => Some(Self::UnknownKey),
            [NOT_PLAIN, 2] => Some(Self::Altered),
            [NOT_PLAIN, 3] => Some(Self::Plain),
            [NOT_PLAIN, 4] => Some(Self::Format),
            [NOT_PLAIN, ..] => Some(Self::Encrypted),
            _ => None,
        }
    }
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encrypted => "it is encrypted, and no encryption is set up",
            Self::UnknownKey => "it is encrypted with a key that is not known",
            Self::Altered => "it was altered, or moved here from elsewhere",
            Self::Plain => "it is not encrypted",
            Self::Format => "it is encrypted in a format that this version does not know",
        })
    }
}

impl std::error::Error for Unopened {}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "encryption")]
    #[test]
    fn every_reason_comes_back() {
        use Unopened::{Altered, Encrypted, Format, Plain, UnknownKey};
        for reason in [Encrypted, UnknownKey, Altered, Plain, Format] {
            assert_eq!(Unopened::of(&reason.mark()), Some(reason));
        }
    }

    #[test]
    fn a_value_that_begins_like_an_encrypted_one_is_none_of_ours() {
        assert_eq!(Unopened::of(&[NOT_PLAIN]), Some(Unopened::Encrypted));
        assert_eq!(Unopened::of(&[NOT_PLAIN, 1, 2]), Some(Unopened::Encrypted));
        assert_eq!(Unopened::of(&[]), None);
    }

    #[test]
    fn no_encoding_begins_like_one() {
        for value in [serde_json::json!(null), serde_json::json!(-1), serde_json::json!({"a": [1.5, "b"]})] {
            assert_eq!(Unopened::of(&rmp_serde::to_vec_named(&value).unwrap()), None);
        }
    }
}
