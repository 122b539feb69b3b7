use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Row as _, Sqlite as Driver, SqlitePool};

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
    readers: SqlitePool,
    /// One connection, since SQLite has one writer at a time and lets others poll.
    writer: SqlitePool,
}

impl Sqlite {
    pub(super) async fn open(path: &str) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let pool = |size| SqlitePoolOptions::new().max_connections(size).test_before_acquire(false);
        let writer = pool(1).connect_with(options.clone()).await?;
        sqlx::raw_sql(SCHEMA).execute(&writer).await?;
        Ok(Self { readers: pool(4).connect_with(options).await?, writer })
    }

    async fn rows(&self, ticket: &Ticket, names: &[&str], now: u64) -> Result<Vec<SqliteRow>> {
        let proof = ticket.proof();
        let finish = |query: Query<'static>| {
            query.bind(ticket.handle.to_vec()).bind(proof.to_vec()).bind(now.cast_signed())
        };
        Ok(match names {
            [name] => {
                let query = finish(sqlx::query(LOAD_ONE).bind((*name).to_owned()));
                query.fetch_optional(&self.readers).await?.into_iter().collect()
            }
            names => {
                finish(sqlx::query(LOAD).bind(serde_json::to_string(names)?)).fetch_all(&self.readers).await?
            }
        })
    }
}

impl Store for Sqlite {
    async fn load(&self, ticket: &Ticket, names: &[&str]) -> Result<Option<Opened>> {
        let now = now();
        let rows = self.rows(ticket, names, now).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let opened = opened(&rows, names)?;
        if now.saturating_sub(opened.meta.accessed_at) >= millis(TOUCH_EVERY) {
            let query = sqlx::query(TOUCH).bind(ticket.handle.to_vec()).bind(ticket.proof().to_vec());
            query.bind(now.cast_signed()).execute(&self.writer).await?;
        }
        Ok(Some(opened))
    }

    async fn save(&self, ticket: &Ticket, changes: &[Change<'_>]) -> Result<bool> {
        let query = sqlx::query(AssertSqlSafe(save(changes.len())));
        let query =
            query.bind(ticket.handle.to_vec()).bind(ticket.proof().to_vec()).bind(now().cast_signed());
        let query = bind(query, changes);
        Ok(query.execute(&self.writer).await?.rows_affected() > 0)
    }

    async fn create(&self, ticket: &Ticket, changes: &[Change<'_>]) -> Result<()> {
        let now = now();
        let mut transaction = self.writer.begin().await?;
        let query = sqlx::query(CREATE).bind(ticket.handle.to_vec()).bind(ticket.proof().to_vec());
        let query = query.bind(now.cast_signed()).bind(millis(MAX_INACTIVE).cast_signed());
        query.bind((now + millis(MAX_LIFETIME)).cast_signed()).execute(&mut *transaction).await?;
        for changes in changes.chunks(100) {
            let query = sqlx::query(AssertSqlSafe(save(changes.len())));
            let query =
                query.bind(ticket.handle.to_vec()).bind(ticket.proof().to_vec()).bind(now.cast_signed());
            bind(query, changes).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn all(&self, ticket: &Ticket) -> Result<Vec<(String, Bytes)>> {
        let all: Vec<(String, Vec<u8>)> =
            sqlx::query_as(ALL).bind(ticket.handle.to_vec()).fetch_all(&self.readers).await?;
        Ok(all.into_iter().map(|(name, value)| (name, value.into())).collect())
    }
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
