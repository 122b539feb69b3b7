use std::fmt;
use std::sync::Arc;

/// The longest namespace: with the longest suffix of ours it stays within PostgreSQL's 63 bytes.
const MAX_BYTES: usize = 40;

/// What all table names begin with. Checked, so that it can stand in SQL text as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Namespace(Arc<str>);

impl Namespace {
    pub(crate) fn new(text: &str) -> Result<Self, InvalidNamespace> {
        let is_reserved = text.starts_with("sqlite_") || text.starts_with("pg_");
        let mut characters = text.bytes();
        let begins_well = characters.next().is_some_and(|first| first.is_ascii_lowercase());
        let goes_on_well = characters.all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_');
        if begins_well && goes_on_well && !is_reserved && text.len() <= MAX_BYTES {
            Ok(Self(text.into()))
        } else {
            Err(InvalidNamespace)
        }
    }

    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// Puts the namespace into SQL text, wherever `cloakroom_` stands there.
    pub(crate) fn apply(&self, sql: &str) -> String {
        sql.replace("cloakroom_", &format!("{}_", self.0))
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self("cloakroom".into())
    }
}

/// A text that cannot be a namespace: it must be 1 to 40 lower-case ASCII letters, digits and underscores, begin with a
/// letter, and not with what a database keeps for itself (`sqlite_`, `pg_`).
///
/// Upper case is refused because SQL takes `Shop` and `shop` for the same table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidNamespace;

impl fmt::Display for InvalidNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not a namespace: expected 1 to 40 lower-case letters, digits and underscores, beginning with a letter",
        )
    }
}

impl std::error::Error for InvalidNamespace {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_identifiers_are_namespaces() {
        for good in ["cloakroom", "a", "shop_2", &"x".repeat(40)] {
            assert!(Namespace::new(good).is_ok(), "{good}");
        }
        let long = "x".repeat(41);
        for bad in
            ["", "2shop", "_shop", "Shop", "sh-op", "sh op", "a;b", "a\"", "é", "sqlite_a", "pg_a", &long]
        {
            assert_eq!(Namespace::new(bad), Err(InvalidNamespace), "{bad}");
        }
    }

    #[test]
    fn tables_take_the_namespace() {
        let shop = Namespace::new("shop").unwrap();
        assert_eq!(shop.apply("SELECT 1 FROM cloakroom_state"), "SELECT 1 FROM shop_state");
    }
}
