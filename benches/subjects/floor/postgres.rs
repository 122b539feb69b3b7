use bytes::Bytes;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow};
use sqlx::{Postgres as Driver, Row as _};
use uuid::Uuid;

use super::connections::Connections;
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

type Query<'a> = sqlx::query::Query<'a, Driver, PgArguments>;

#[derive(Clone)]
pub(super) struct Postgres {
    connections: Connections<PgConnection>,
}

impl Postgres {
    pub(super) async fn connect(url: &str) -> Result<Self> {
        let connections = Connections::new(url.parse::<PgConnectOptions>()?, 10);
        let mut lease = connections.take().await?;
        sqlx::raw_sql(SCHEMA).execute(&mut lease.connection).await?;
        lease.give_back();
        Ok(Self { connections })
    }

    async fn rows(&self, query: Query<'_>) -> Result<Vec<PgRow>> {
        let mut lease = self.connections.take().await?;
        let rows = query.fetch_all(&mut lease.connection).await?;
        lease.give_back();
        Ok(rows)
    }

    async fn execute(&self, query: Query<'_>) -> Result<u64> {
        let mut lease = self.connections.take().await?;
        let done = query.execute(&mut lease.connection).await?;
        lease.give_back();
        Ok(done.rows_affected())
    }
}

impl Store for Postgres {
    async fn load(&self, ticket: &Ticket, names: &[&str]) -> Result<Option<Opened>> {
        let every = millis(TOUCH_EVERY).cast_signed();
        let query = match names {
            [name] => begin(LOAD_ONE, ticket).bind(*name),
            names => begin(LOAD, ticket).bind(names),
        };
        let rows = self.rows(query.bind(every)).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        if first.try_get(4)? {
            self.execute(begin(TOUCH, ticket)).await?;
        }
        opened(&rows, names).map(Some)
    }

    async fn save(&self, ticket: &Ticket, changes: &[Change<'_>]) -> Result<bool> {
        let query = match changes {
            [(name, value)] => begin(SAVE_ONE, ticket).bind(*name).bind(&value[..]),
            changes => begin(SAVE, ticket).bind(names(changes)).bind(values(changes)),
        };
        Ok(self.execute(query).await? > 0)
    }

    async fn create(&self, ticket: &Ticket, changes: &[Change<'_>]) -> Result<()> {
        let query = begin(CREATE, ticket).bind(names(changes)).bind(values(changes));
        let (inactive, lifetime) = (millis(MAX_INACTIVE), millis(MAX_LIFETIME));
        self.execute(query.bind(inactive.cast_signed()).bind(lifetime.cast_signed())).await?;
        Ok(())
    }

    async fn all(&self, ticket: &Ticket) -> Result<Vec<(String, Bytes)>> {
        let rows = self.rows(sqlx::query(ALL).bind(handle(ticket))).await?;
        let all = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get::<Vec<u8>, _>(1)?.into())));
        all.collect()
    }
}

fn begin<'a>(sql: &'static str, ticket: &'a Ticket) -> Query<'a> {
    sqlx::query(sql).bind(handle(ticket)).bind(&ticket.proof[..])
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
