use std::fmt::Write as _;

use cloakroom_core::Handle;
use sqlx::postgres::PgArguments;
use sqlx::types::Uuid;
use sqlx::{Arguments as _, Encode, Postgres, Type};

/// What a function is called with.
#[derive(Debug)]
pub(super) enum Argument<'a> {
    Handle(Option<Handle>),
    Handles(&'a [Handle]),
    Bytes(&'a [u8]),
    Number(Option<i64>),
    Flags(i32),
    Text(Option<&'a str>),
    Names(Option<Vec<&'a str>>),
    Contents(Option<Vec<Option<&'a [u8]>>>),
    Numbers(Option<Vec<Option<i64>>>),
    Terms(Option<Vec<Option<String>>>),
}

/// About what a list takes beside its items, and an item beside its own bytes.
const HEADER: usize = 24;

impl Argument<'_> {
    /// Returns about how many bytes it takes, at least.
    fn room(&self) -> usize {
        match self {
            Self::Handles(handles) => HEADER + 20 * handles.len(),
            Self::Bytes(bytes) => 4 + bytes.len(),
            Self::Names(Some(names)) => HEADER + names.iter().map(|name| 4 + name.len()).sum::<usize>(),
            Self::Contents(Some(contents)) => {
                HEADER + contents.iter().map(|content| 4 + content.map_or(0, <[u8]>::len)).sum::<usize>()
            }
            Self::Numbers(Some(numbers)) => HEADER + 12 * numbers.len(),
            _ => HEADER,
        }
    }
}

/// Packs arguments for a prepared statement.
pub(super) fn bound(arguments: &[Argument<'_>]) -> Result<PgArguments, sqlx::Error> {
    let mut bound = PgArguments::default();
    bound.reserve(arguments.len(), arguments.iter().map(Argument::room).sum());
    for argument in arguments {
        match argument {
            Argument::Handle(handle) => add(&mut bound, handle.map(uuid)),
            Argument::Handles(handles) => {
                add(&mut bound, handles.iter().copied().map(uuid).collect::<Vec<_>>())
            }
            Argument::Bytes(bytes) => add(&mut bound, *bytes),
            Argument::Number(number) => add(&mut bound, *number),
            Argument::Flags(flags) => add(&mut bound, *flags),
            Argument::Text(text) => add(&mut bound, *text),
            Argument::Names(names) => add(&mut bound, names.as_deref()),
            Argument::Contents(contents) => add(&mut bound, contents.as_deref()),
            Argument::Numbers(numbers) => add(&mut bound, numbers.as_deref()),
            Argument::Terms(terms) => add(&mut bound, terms.as_deref()),
        }?;
    }
    Ok(bound)
}

fn add<'t, T: Encode<'t, Postgres> + Type<Postgres>>(
    arguments: &mut PgArguments,
    value: T,
) -> Result<(), sqlx::Error> {
    arguments.add(value).map_err(sqlx::Error::Encode)
}

fn uuid(handle: Handle) -> Uuid {
    Uuid::from_bytes(*handle.as_bytes())
}

/// Writes arguments into the text of a statement, for where statements cannot be prepared.
pub(super) fn write_literals(sql: &mut String, arguments: &[Argument<'_>]) {
    for (place, argument) in arguments.iter().enumerate() {
        sql.push_str(if place == 0 { "" } else { "," });
        match argument {
            Argument::Handle(handle) => optional(sql, handle.as_ref(), write_handle),
            Argument::Handles(handles) => write_list(sql, handles, "uuid", write_handle),
            Argument::Bytes(bytes) => write_bytes(sql, bytes),
            Argument::Number(number) => optional(sql, number.as_ref(), write_number),
            Argument::Flags(flags) => write_number(sql, &i64::from(*flags)),
            Argument::Text(text) => optional(sql, text.as_ref(), |sql, text| write_text(sql, text)),
            Argument::Names(names) => optional(sql, names.as_ref(), |sql, names| {
                write_list(sql, names, "text", |sql, name| write_text(sql, name));
            }),
            Argument::Contents(contents) => optional(sql, contents.as_ref(), |sql, contents| {
                write_list(sql, contents, "bytea", |sql, content| {
                    optional(sql, content.as_ref(), |sql, content| write_bytes(sql, content));
                });
            }),
            Argument::Numbers(numbers) => optional(sql, numbers.as_ref(), |sql, numbers| {
                write_list(sql, numbers, "bigint", |sql, number| {
                    optional(sql, number.as_ref(), write_number);
                });
            }),
            Argument::Terms(terms) => optional(sql, terms.as_ref(), |sql, terms| {
                write_list(sql, terms, "text", |sql, term| {
                    optional(sql, term.as_ref(), |sql, term| write_text(sql, term));
                });
            }),
        }
    }
}

fn optional<T>(sql: &mut String, value: Option<T>, write: impl FnOnce(&mut String, T)) {
    match value {
        Some(value) => write(sql, value),
        None => sql.push_str("NULL"),
    }
}

fn write_list<T>(sql: &mut String, list: &[T], of: &str, write: impl Fn(&mut String, &T)) {
    sql.push_str("ARRAY[");
    for (place, item) in list.iter().enumerate() {
        sql.push_str(if place == 0 { "" } else { "," });
        write(sql, item);
    }
    sql.push_str("]::");
    sql.push_str(of);
    sql.push_str("[]");
}

fn write_handle(sql: &mut String, handle: &Handle) {
    push(sql, format_args!("'{handle}'::uuid"));
}

fn write_number(sql: &mut String, number: &i64) {
    push(sql, format_args!("{number}"));
}

fn write_bytes(sql: &mut String, bytes: &[u8]) {
    sql.push_str("decode('");
    for byte in bytes {
        push(sql, format_args!("{byte:02x}"));
    }
    sql.push_str("','hex')");
}

/// An `E''` literal means the same whatever `standard_conforming_strings` is.
fn write_text(sql: &mut String, text: &str) {
    sql.push_str("E'");
    for character in text.chars() {
        if matches!(character, '\'' | '\\') {
            sql.push('\\');
        }
        sql.push(character);
    }
    sql.push_str("'::text");
}

fn push(sql: &mut String, text: std::fmt::Arguments<'_>) {
    sql.write_fmt(text).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literals(arguments: &[Argument<'_>]) -> String {
        let mut sql = String::new();
        write_literals(&mut sql, arguments);
        sql
    }

    #[test]
    fn arguments_are_literals() {
        let arguments = [
            Argument::Bytes(&[0, 255]),
            Argument::Number(Some(-7)),
            Argument::Text(None),
            Argument::Contents(Some(vec![None, Some(b"a")])),
        ];
        let written = "decode('00ff','hex'),-7,NULL,ARRAY[NULL,decode('61','hex')]::bytea[]";
        assert_eq!(literals(&arguments), written);
        let handle = Handle::from_bytes([7; 16]);
        assert_eq!(literals(&[Argument::Handle(Some(handle))]), format!("'{handle}'::uuid"));
    }

    #[test]
    fn text_cannot_leave_its_literal() {
        let names = Argument::Names(Some(vec!["a'); DROP TABLE x; --", "back\\"]));
        assert_eq!(literals(&[names]), r"ARRAY[E'a\'); DROP TABLE x; --'::text,E'back\\'::text]::text[]");
    }
}
