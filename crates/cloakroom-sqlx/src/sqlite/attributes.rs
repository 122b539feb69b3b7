use cloakroom_core::{
    AttributeChange, Changes, Edit, Handle, Name, StoredAttribute, Timestamp, Version, Wanted,
};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::query::{bind_handle, json, query, query_of};
use super::row::attribute;
use super::statements::Statements;
use crate::record::millis;

/// Up to so many known names it is cheaper to look for one than to make it anew.
const FEW: usize = 8;

/// Reads the attributes in columns from `at` on, and leaves out what has lapsed.
pub(super) fn live(
    rows: Vec<SqliteRow>,
    at: usize,
    known: &[Name],
    now: Timestamp,
) -> Result<Vec<StoredAttribute>, sqlx::Error> {
    let known = if known.len() <= FEW { known } else { &[] };
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let attribute = attribute(row, at, known)?;
        found.extend(attribute.filter(|it| it.lapses_at.is_none_or(|end| now < end)));
    }
    Ok(found)
}

/// Fetches the rows of the selected attributes of a session, whether or not it has ended.
pub(super) async fn selected(
    connection: &mut SqliteConnection,
    sql: &Statements,
    handle: Handle,
    wanted: &Wanted,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    let query = match wanted {
        Wanted::Nothing => return Ok(Vec::new()),
        Wanted::Everything => query(&sql.read.all_values),
        Wanted::Named(names) => query(&sql.read.values).bind(json(names.iter())),
    };
    bind_handle(query, handle).fetch_all(connection).await
}

/// Makes a commit's changes to attributes, at the time and as the version given.
pub(super) async fn change(
    connection: &mut SqliteConnection,
    sql: &Statements,
    handle: Handle,
    changes: &Changes,
    (at, version): (Timestamp, Version),
) -> Result<(), sqlx::Error> {
    if changes.clear {
        query_of(&sql.write.clear, handle).execute(&mut *connection).await?;
    }
    let is_stored = |change: &&AttributeChange| matches!(change.edit, Edit::Set { .. });
    let (stored, removed): (Vec<_>, Vec<_>) = changes.attributes.iter().partition(is_stored);
    if !changes.clear {
        remove(connection, sql, handle, &removed).await?;
    }
    store(connection, sql, handle, &stored, (at, version)).await
}

async fn remove(
    connection: &mut SqliteConnection,
    sql: &Statements,
    handle: Handle,
    removed: &[&AttributeChange],
) -> Result<(), sqlx::Error> {
    if removed.is_empty() {
        return Ok(());
    }
    let names = json(removed.iter().map(|change| &change.name));
    query_of(&sql.write.remove, handle).bind(names).execute(connection).await?;
    Ok(())
}

async fn store(
    connection: &mut SqliteConnection,
    sql: &Statements,
    handle: Handle,
    mut stored: &[&AttributeChange],
    (at, version): (Timestamp, Version),
) -> Result<(), sqlx::Error> {
    let revision = i64::try_from(version.0).unwrap_or(i64::MAX);
    while !stored.is_empty() {
        let (filled, sql) = sql.write.store.filled_by(stored.len());
        let (some, rest) = stored.split_at(filled);
        let mut query = query_of(&sql, handle).bind(revision);
        for change in some {
            let Edit::Set { value, .. } = &change.edit else { continue };
            let lapses_at = change.edit.lapses_at(at).map(millis);
            query = query.bind(change.name.as_str()).bind(lapses_at).bind(value.as_ref());
        }
        query.execute(&mut *connection).await?;
        stored = rest;
    }
    Ok(())
}
