use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, Sqlite as Driver};

use super::connections::Connections;
use super::ticket::Ticket;
use super::{Change, MAX_INACTIVE, MAX_LIFETIME, Meta, Opened, Store, TOUCH_EVERY, millis};
use benches::Result;

type Query<'a> = sqlx::query::Query<'a, Driver, SqliteArguments>;

const SCHEMA: &str = include_str!("schema.sqlite.sql");

/// One row for each attribute that is there, at least one. Parameters: what is wanted, handle, proof, now.
const LOAD_ONE: &str = "\
    SELECT s.created_at, s.accessed_at, s.max_inactive, s.ends_at, a.name, a.value \
      FROM floor_sessions s LEFT JOIN floor_attributes a ON a.session = s.handle AND a.name = ?1 \
     WHERE s.handle = ?2 AND s.proof = ?3 AND ?4 < s.accessed_at + s.max_inactive AND ?4 < s.ends_at";
const LOAD: &str = "\
    SELECT s.created_at, s.accessed_at, s.max_inactive, s.ends_at, a.name, a.value \
      FROM floor_sessions s CROSS JOIN json_each(?1) w \
      LEFT JOIN floor_attributes a ON a.session = s.handle AND a.name = w.value \
     WHERE s.handle = ?2 AND s.proof = ?3 AND ?4 < s.accessed_at + s.max_inactive AND ?4 < s.ends_at";
const TOUCH: &str = "UPDATE floor_sessions SET accessed_at = ?3 WHERE handle = ?1 AND proof = ?2";
const CREATE: &str = "\
    INSERT INTO floor_sessions (handle, proof, created_at, accessed_at, max_inactive, ends_at) \
    VALUES (?1, ?2, ?3, ?3, ?4, ?5)";
const ALL: &str = "SELECT name, value FROM floor_attributes WHERE session = ?1";

#[derive(Clone)]
pub(super) struct Sqlite {
    readers: Connections<SqliteConnection>,
    /// One connection, since SQLite has one writer at a time and lets others poll.
    writer: Connections<SqliteConnection>,
}

impl Sqlite {
    pub(super) async fn open(path: &str) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let writer: Connections<SqliteConnection> = Connections::new(options.clone(), 1);
        let mut lease = writer.take().await?;
        sqlx::raw_sql(SCHEMA).execute(&mut lease.connection).await?;
        lease.give_back();
        Ok(Self { readers: Connections::new(options, 4), writer })
    }

    /// `is_one`: there is at most one row, and SQLite need not look for more.
    async fn rows(&self, query: Query<'_>, is_one: bool) -> Result<Vec<SqliteRow>> {
        let mut lease = self.readers.take().await?;
        let rows = if is_one {
            query.fetch_optional(&mut lease.connection).await?.into_iter().collect()
        } else {
            query.fetch_all(&mut lease.connection).await?
        };
        lease.give_back();
        Ok(rows)
    }

    async fn write(&self, query: Query<'_>) -> Result<u64> {
        let mut lease = self.writer.take().await?;
        let done = query.execute(&mut lease.connection).await?;
        lease.give_back();
        Ok(done.rows_affected())
    }
}

impl Store for Sqlite {
    async fn load(&self, ticket: &Ticket, names: &[&str]) -> Result<Option<Opened>> {
        let now = now();
        let query = match names {
            [name] => sqlx::query(LOAD_ONE).bind((*name).to_owned()),
            names => sqlx::query(LOAD).bind(serde_json::to_string(names)?),
        };
        let rows = self.rows(guarded(query, ticket, now), names.len() == 1).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let opened = opened(&rows, names)?;
        if now.saturating_sub(opened.meta.accessed_at) >= millis(TOUCH_EVERY) {
            self.write(guarded(sqlx::query(TOUCH), ticket, now)).await?;
        }
        Ok(Some(opened))
    }

    async fn save(&self, ticket: &Ticket, changes: &[Change<'_>]) -> Result<bool> {
        let query = guarded(sqlx::query(AssertSqlSafe(save(changes.len()))), ticket, now());
        Ok(self.write(bind(query, changes)).await? > 0)
    }

    async fn create(&self, ticket: &Ticket, changes: &[Change<'_>]) -> Result<()> {
        let now = now();
        let mut lease = self.writer.take().await?;
        let mut transaction = lease.connection.begin().await?;
        let query = guarded(sqlx::query(CREATE), ticket, now).bind(millis(MAX_INACTIVE).cast_signed());
        query.bind((now + millis(MAX_LIFETIME)).cast_signed()).execute(&mut *transaction).await?;
        for changes in changes.chunks(100) {
            let query = guarded(sqlx::query(AssertSqlSafe(save(changes.len()))), ticket, now);
            bind(query, changes).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        lease.give_back();
        Ok(())
    }

    async fn all(&self, ticket: &Ticket) -> Result<Vec<(String, Bytes)>> {
        let rows = self.rows(sqlx::query(ALL).bind(ticket.handle.to_vec()), false).await?;
        let all = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get::<Vec<u8>, _>(1)?.into())));
        all.collect()
    }
}

fn guarded<'a>(query: Query<'a>, ticket: &Ticket, now: u64) -> Query<'a> {
    query.bind(ticket.handle.to_vec()).bind(ticket.proof.to_vec()).bind(now.cast_signed())
}

/// Writes the statement that stores so many attributes. Parameters: handle, proof, now, then name and value of each.
fn save(count: usize) -> String {
    let row = |index: usize| format!("(?{}, ?{})", 2 * index + 4, 2 * index + 5);
    let rows: Vec<String> = (0..count).map(row).collect();
    format!(
        "INSERT INTO floor_attributes (session, name, value) SELECT s.handle, c.column1, c.column2 \
           FROM floor_sessions s CROSS JOIN (VALUES {}) c \
          WHERE s.handle = ?1 AND s.proof = ?2 AND ?3 < s.accessed_at + s.max_inactive AND ?3 < s.ends_at \
         ON CONFLICT (session, name) DO UPDATE SET value = excluded.value",
        rows.join(", ")
    )
}

fn bind<'a>(query: Query<'a>, changes: &[Change<'_>]) -> Query<'a> {
    let add =
        |query: Query<'a>, (name, value): &Change<'_>| query.bind((*name).to_owned()).bind(value.clone());
    changes.iter().fold(query, add)
}

fn opened(rows: &[SqliteRow], names: &[&str]) -> Result<Opened> {
    let first = rows.first().ok_or("no row")?;
    let number = |column: usize| first.try_get::<i64, _>(column).map(i64::cast_unsigned);
    let meta = Meta {
        created_at: number(0)?,
        accessed_at: number(1)?,
        max_inactive: number(2)?,
        ends_at: number(3)?,
    };
    let mut values = vec![None; names.len()];
    for row in rows {
        let name: Option<&str> = row.try_get(4)?;
        if let Some(index) = names.iter().position(|wanted| Some(*wanted) == name) {
            values[index] = Some(Bytes::from(row.try_get::<Vec<u8>, _>(5)?));
        }
    }
    Ok(Opened { meta, values })
}

fn now() -> u64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
