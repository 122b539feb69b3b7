use std::fmt::Write as _;

use cloakroom_core::{Handle, Name, Principal};
use sqlx::mysql::MySqlRow;

use crate::namespace::Namespace;

/// How many bytes a message has at most, unless one statement alone is longer: far less than the least
/// `max_allowed_packet` that a server should have, 1 MiB.
const MESSAGE: usize = 1 << 18;

/// How many handles one statement can list.
const LISTED: usize = 500;

/// Several statements that go to the server as one message, or as several where they are very many.
///
/// Only handles, names, principals and numbers are ever part of the text: the driver logs it. Values and records are
/// parameters of prepared statements, which are one to a message.
#[derive(Debug, Default)]
pub(super) struct Script {
    messages: Vec<String>,
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
        let mut statement = namespace.apply(statement);
        statement.push(';');
        self.push_all(&statement);
        self.statements += 1;
        self.statements - 1
    }

    /// Adds statements whose answers nobody asks for.
    pub(super) fn push_all(&mut self, statements: &str) {
        match self.messages.last_mut() {
            Some(message) if message.len() + statements.len() <= MESSAGE => message.push_str(statements),
            _ => self.messages.push(statements.to_owned()),
        }
    }

    pub(super) fn messages(self) -> Vec<String> {
        self.messages
    }
}

/// Writes a handle as a literal.
pub(super) fn of_handle(handle: Handle) -> String {
    literal(handle.as_bytes())
}

/// Writes handles as lists of literals, each for one statement.
pub(super) fn of_handles(handles: &[Handle]) -> Vec<String> {
    handles.chunks(LISTED).map(|some| list(some.iter().copied().map(of_handle))).collect()
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
        assert_eq!(script.messages(), ["SELECT 1;SELECT 2 FROM shop_state;"]);
    }

    #[test]
    fn many_statements_are_several_messages() {
        let (mut script, namespace) = (Script::default(), Namespace::default());
        let statements: Vec<_> = (0..40_000).map(|number| format!("SELECT {number}")).collect();
        for (at, statement) in statements.iter().enumerate() {
            assert_eq!(script.push(&namespace, statement), at);
        }
        script.push(&namespace, &"x".repeat(MESSAGE));
        let messages = script.messages();
        let (last, many) = messages.split_last().unwrap();
        assert!(
            many.len() > 1 && many.iter().all(|message| message.len() <= MESSAGE && message.ends_with(';'))
        );
        assert_eq!(many.concat(), statements.join(";") + ";");
        assert_eq!(last.len(), MESSAGE + 1, "one that is too long is alone");
    }
}
