use std::fmt;
use std::sync::Arc;

/// The longest namespace. It is part of every subject.
const MAX_BYTES: usize = 64;

/// A word that can stand in subjects and in names of streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Namespace(Arc<str>);

impl Namespace {
    pub(crate) fn new(text: &str) -> Result<Self, InvalidNamespace> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !text.is_empty() && text.len() <= MAX_BYTES && text.bytes().all(is_allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidNamespace)
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self("cloakroom".into())
    }
}

/// A text that cannot be a namespace, or begin the names of streams: it must be 1 to 64 ASCII letters, digits, underscores
/// and hyphens. A dot separates the words of a subject, `*` and `>` stand for words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidNamespace;

impl fmt::Display for InvalidNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a namespace: expected 1 to 64 ASCII letters, digits, underscores and hyphens")
    }
}

impl std::error::Error for InvalidNamespace {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_mislead_a_subject_is_refused() {
        for good in ["cloakroom", "a", "shop_2", "shop-eu", "Shop", &"x".repeat(64)] {
            assert!(Namespace::new(good).is_ok(), "{good}");
        }
        let long = "x".repeat(65);
        for bad in ["", "a.b", "*", ">", "a b", "a\n", "é", "$a", "a/b", "a:b", &long] {
            assert_eq!(Namespace::new(bad), Err(InvalidNamespace), "{bad}");
        }
    }
}
