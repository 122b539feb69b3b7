use std::fmt;
use std::sync::Arc;

/// The longest namespace. It is part of every key, and so of every request.
const MAX_BYTES: usize = 64;

/// What all keys begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Namespace(Arc<str>);

impl Namespace {
    pub(crate) fn new(text: &str) -> Result<Self, InvalidNamespace> {
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"{}*?[]\\".contains(&byte);
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

/// A text that cannot be a namespace: it must be 1 to 64 printable ASCII characters, without blanks, braces (which decide
/// where a cluster keeps a key) and the characters that have a meaning in patterns of keys (`*`, `?`, `[`, `]`, `\`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidNamespace;

impl fmt::Display for InvalidNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not a namespace: expected 1 to 64 printable ASCII characters, without blanks, braces, brackets, `*`, `?` and `\\`",
        )
    }
}

impl std::error::Error for InvalidNamespace {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_mislead_a_pattern_or_a_cluster_is_refused() {
        for good in ["cloakroom", "a", "shop:2", "shop/eu-1", "Shop", &"x".repeat(64)] {
            assert!(Namespace::new(good).is_ok(), "{good}");
        }
        let long = "x".repeat(65);
        for bad in ["", "{a}", "a{", "a}", "a b", "a\n", "é", "a*", "a?", "a[", "a]", "a\\", &long] {
            assert_eq!(Namespace::new(bad), Err(InvalidNamespace), "{bad}");
        }
    }
}
