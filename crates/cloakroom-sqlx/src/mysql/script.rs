use std::fmt::Write as _;

use cloakroom_core::{Handle, Name, Principal};
use sqlx::mysql::MySqlRow;

use crate::namespace::Namespace;

/// Several statements that go to the server as one message.
///
/// Only handles, names, principals and numbers are ever part of the text: the driver logs it. Values and records are
/// parameters of prepared statements, which are one to a message.
#[derive(Debug, Default)]
pub(super) struct Script {
    text: String,
    statements: usize,
}

/// What one statement of a script has answered.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) rows: Vec<MySqlRow>,
    pub(super) affected: u64,
}

impl Script {
    /// Adds a statement, and returns where its answer will be. `cloakroom_` becomes the namespace.
    pub(super) fn push(&mut self, namespace: &Namespace, statement: &str) -> usize {
        self.text.push_str(&namespace.apply(statement));
        self.text.push(';');
        self.statements += 1;
        self.statements - 1
    }

    /// Adds statements whose answers nobody asks for.
    pub(super) fn push_all(&mut self, statements: &str) {
        self.text.push_str(statements);
    }

    pub(super) fn text(self) -> String {
        self.text
    }
}

/// Writes a handle as a literal.
pub(super) fn of_handle(handle: Handle) -> String {
    literal(handle.as_bytes())
}

/// Writes handles as a list of literals, which must not be empty.
pub(super) fn of_handles(handles: impl IntoIterator<Item = Handle>) -> String {
    list(handles.into_iter().map(of_handle))
}

/// Writes names as a list of literals; that of the record, which is no attribute's, where there are none.
pub(super) fn of_names<'a>(names: impl IntoIterator<Item = &'a Name>) -> String {
    let names = list(names.into_iter().map(|name| literal(name.as_str().as_bytes())));
    if names.is_empty() { literal(b"") } else { names }
}

pub(super) fn of_principal(principal: &Principal) -> String {
    literal(principal.as_str().as_bytes())
}

fn list(literals: impl Iterator<Item = String>) -> String {
    literals.collect::<Vec<_>>().join(",")
}

/// In hexadecimal: so nothing depends on the server's SQL mode or on a character set, and nothing can end the literal.
fn literal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2 + 3);
    text.push_str("x'");
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_end_a_literal() {
        assert_eq!(literal(b"a'; DROP"), "x'61273b2044524f50'");
        assert_eq!(of_names(&[Name::new("'").unwrap(), Name::new("\\").unwrap()]), "x'27',x'5c'");
        assert_eq!(of_names([]), "x''");
    }

    #[test]
    fn statements_are_counted_and_take_the_namespace() {
        let (mut script, shop) = (Script::default(), Namespace::new("shop").unwrap());
        assert_eq!(script.push(&shop, "SELECT 1"), 0);
        assert_eq!(script.push(&shop, "SELECT 2 FROM cloakroom_state"), 1);
        assert_eq!(script.text(), "SELECT 1;SELECT 2 FROM shop_state;");
    }
}
