use bytes::Bytes;
use sqlx::postgres::{PgPoolOptions, PgRow};
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use super::ticket::Ticket;
use super::{Change, MAX_INACTIVE, MAX_LIFETIME, Meta, Opened, Store, TOUCH_EVERY, millis};
use benches::Result;

const SCHEMA: &str = include_str!("schema.postgres.sql");

/// The last column says whether an access is to be recorded. One row for each attribute that is there, at least one.
const LOAD_ONE: &str = "\
    SELECT s.created_at, s.accessed_at, s.max_inactive, s.ends_at, n.now - s.accessed_at >= $4, a.name, a.value \
      FROM (SELECT (date_part('epoch', clock_timestamp()) * 1000)::bigint AS now) n, \
           floor_sessions s LEFT JOIN floor_attributes a ON a.session = s.handle AND a.name = $3 \
     WHERE s.handle = $1 AND s.proof = $2 AND n.now < s.accessed_at + s.max_inactive AND n.now < s.ends_at";
const LOAD: &str = "\
    SELECT s.created_at, s.accessed_at, s.max_inactive, s.ends_at, n.now - s.accessed_at >= $4, a.name, a.value \
      FROM (SELECT (date_part('epoch', clock_timestamp()) * 1000)::bigint AS now) n, \
           floor_sessions s LEFT JOIN floor_attributes a ON a.session = s.handle AND a.name = ANY ($3) \
     WHERE s.handle = $1 AND s.proof = $2 AND n.now < s.accessed_at + s.max_inactive AND n.now < s.ends_at";
const TOUCH: &str = "\
    UPDATE floor_sessions SET accessed_at = (date_part('epoch', clock_timestamp()) * 1000)::bigint \
     WHERE handle = $1 AND proof = $2";
/// The lock keeps a logout out until this is committed, and two commits of one session apart.
const SAVE_ONE: &str = "\
    WITH live AS (SELECT handle FROM floor_sessions WHERE handle = $1 AND proof = $2 \
         AND (date_part('epoch', clock_timestamp()) * 1000)::bigint < least(accessed_at + max_inactive, ends_at) \
         FOR NO KEY UPDATE) \
    INSERT INTO floor_attributes (session, name, value) SELECT live.handle, $3, $4 FROM live \
    ON CONFLICT (session, name) DO UPDATE SET value = excluded.value";
const SAVE: &str = "\
    WITH live AS (SELECT handle FROM floor_sessions WHERE handle = $1 AND proof = $2 \
         AND (date_part('epoch', clock_timestamp()) * 1000)::bigint < least(accessed_at + max_inactive, ends_at) \
         FOR NO KEY UPDATE) \
    INSERT INTO floor_attributes (session, name, value) \
    SELECT live.handle, c.name, c.value FROM live, unnest($3::text[], $4::bytea[]) AS c (name, value) \
    ON CONFLICT (session, name) DO UPDATE SET value = excluded.value";
const CREATE: &str = "\
    WITH made AS (INSERT INTO floor_sessions (handle, proof, created_at, accessed_at, max_inactive, ends_at) \
         SELECT $1, $2, n.now, n.now, $5, n.now + $6 \
           FROM (SELECT (date_part('epoch', clock_timestamp()) * 1000)::bigint AS now) n RETURNING handle) \
    INSERT INTO floor_attributes (session, name, value) \
    SELECT made.handle, c.name, c.value FROM made, unnest($3::text[], $4::bytea[]) AS c (name, value)";
const ALL: &str = "SELECT name, value FROM floor_attributes WHERE session = $1";

#[derive(Clone)]
pub(super) struct Postgres {
    pool: PgPool,
}

impl Postgres {
    pub(super) async fn connect(url: &str) -> Result<Self> {
        let options = PgPoolOptions::new().max_connections(10).test_before_acquire(false);
        let pool = options.connect(url).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        Ok(Self { pool })
    }

    async fn rows(&self, ticket: &Ticket, names: &[&str]) -> Result<Vec<PgRow>> {
        let every = millis(TOUCH_EVERY) as i64;
        let proof = ticket.proof();
        let begin = |sql| sqlx::query(sql).bind(handle(ticket)).bind(&proof[..]);
        Ok(match names {
            [name] => {
                let row = begin(LOAD_ONE).bind(*name).bind(every).fetch_optional(&self.pool).await?;
                row.into_iter().collect()
            }
            names => begin(LOAD).bind(names).bind(every).fetch_all(&self.pool).await?,
        })
    }
}

impl Store for Postgres {
    async fn load(&self, ticket: &Ticket, names: &[&str]) -> Result<Option<Opened>> {
        let rows = self.rows(ticket, names).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        if first.try_get(4)? {
            sqlx::query(TOUCH).bind(handle(ticket)).bind(&ticket.proof()[..]).execute(&self.pool).await?;
        }
        opened(&rows, names).map(Some)
    }

    async fn save(&self, ticket: &Ticket, changes: &[Change<'_>]) -> Result<bool> {
        let proof = ticket.proof();
        let begin = |sql| sqlx::query(sql).bind(handle(ticket)).bind(&proof[..]);
        let query = match changes {
            [(name, value)] => begin(SAVE_ONE).bind(*name).bind(&value[..]),
            changes => begin(SAVE).bind(names(changes)).bind(values(changes)),
        };
        Ok(query.execute(&self.pool).await?.rows_affected() > 0)
    }

    async fn create(&self, ticket: &Ticket, changes: &[Change<'_>]) -> Result<()> {
        let proof = ticket.proof();
        let query = sqlx::query(CREATE).bind(handle(ticket)).bind(&proof[..]);
        let query = query.bind(names(changes)).bind(values(changes));
        let query = query.bind(millis(MAX_INACTIVE) as i64).bind(millis(MAX_LIFETIME) as i64);
        query.execute(&self.pool).await?;
        Ok(())
    }

    async fn all(&self, ticket: &Ticket) -> Result<Vec<(String, Bytes)>> {
        let all: Vec<(String, Vec<u8>)> =
            sqlx::query_as(ALL).bind(handle(ticket)).fetch_all(&self.pool).await?;
        Ok(all.into_iter().map(|(name, value)| (name, value.into())).collect())
    }
}

fn opened(rows: &[PgRow], names: &[&str]) -> Result<Opened> {
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
        let name: Option<&str> = row.try_get(5)?;
        if let Some(index) = names.iter().position(|wanted| Some(*wanted) == name) {
            values[index] = Some(Bytes::from(row.try_get::<Vec<u8>, _>(6)?));
        }
    }
    Ok(Opened { meta, values })
}

fn handle(ticket: &Ticket) -> Uuid {
    Uuid::from_bytes(ticket.handle)
}

fn names<'a>(changes: &[Change<'a>]) -> Vec<&'a str> {
    changes.iter().map(|(name, _)| *name).collect()
}

fn values<'a>(changes: &'a [Change<'_>]) -> Vec<&'a [u8]> {
    changes.iter().map(|(_, value)| &value[..]).collect()
}
