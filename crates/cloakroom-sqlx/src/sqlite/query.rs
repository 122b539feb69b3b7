use std::collections::HashSet;

use cloakroom_core::{Handle, Name};
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Encode, SqlStr, Sqlite, Type};

use super::statements::Sized;

pub(super) type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

pub(super) fn query(sql: &SqlStr) -> Query {
    sqlx::query(sql.clone())
}

/// Begins a statement about one session.
pub(super) fn query_of(sql: &SqlStr, handle: Handle) -> Query {
    bind_handle(query(sql), handle)
}

pub(super) fn bind_handle(query: Query, handle: Handle) -> Query {
    query.bind(handle.as_bytes().as_slice())
}

/// Binds the values, and NULL, which equals nothing, in the rest of `room` places.
pub(super) fn bind_list<'t, T>(mut query: Query, values: impl IntoIterator<Item = T>, room: usize) -> Query
where
    T: Encode<'t, Sqlite> + Type<Sqlite>,
{
    let mut free = room;
    for value in values {
        query = query.bind(value);
        free = free.saturating_sub(1);
    }
    (0..free).fold(query, |query, _| query.bind(None::<i64>))
}

/// Writes names as a list in JSON, each once.
pub(super) fn json<'a>(names: impl IntoIterator<Item = &'a Name>) -> String {
    let mut known = HashSet::new();
    let mut list = String::from("[");
    for name in names {
        let comma = if known.is_empty() { "" } else { "," };
        if known.insert(name) {
            list.push_str(comma);
            push_quoted(&mut list, name.as_str());
        }
    }
    list.push(']');
    list
}

/// Names have no control characters, so that two characters are all that JSON wants escaped.
fn push_quoted(list: &mut String, name: &str) {
    list.push('"');
    for character in name.chars() {
        if matches!(character, '"' | '\\') {
            list.push('\\');
        }
        list.push(character);
    }
    list.push('"');
}

/// Reads all rows; where there is one at most, without asking for the next.
pub(super) async fn rows(
    query: Query,
    connection: &mut SqliteConnection,
    is_one: bool,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    if is_one {
        Ok(Vec::from_iter(query.fetch_optional(connection).await?))
    } else {
        query.fetch_all(connection).await
    }
}

/// Runs a statement for all handles, as often as it takes. `first` is bound before them.
pub(super) async fn for_all(
    connection: &mut SqliteConnection,
    statement: &Sized,
    first: Option<i64>,
    handles: &[&[u8]],
) -> Result<(), sqlx::Error> {
    for some in handles.chunks(statement.max()) {
        let (room, sql) = statement.with_room_for(some.len());
        let begun = match first {
            Some(first) => query(&sql).bind(first),
            None => query(&sql),
        };
        bind_list(begun, some.iter().copied(), room).execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_a_list_in_json() {
        let name = |text| Name::new(text).unwrap();
        assert_eq!(json([]), "[]");
        assert_eq!(json(&[name("a")]), r#"["a"]"#);
        assert_eq!(json(&[name("a"), name("é\"\\"), name("a")]), r#"["a","é\"\\"]"#);
    }
}
