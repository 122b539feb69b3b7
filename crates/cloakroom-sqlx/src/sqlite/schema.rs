use std::fmt;
use std::sync::atomic::Ordering;

use cloakroom_core::{Error, ErrorKind};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _};

use super::SqliteStore;
use super::query::query;
use super::write::Writer;
use crate::error::failed;
use crate::namespace::Namespace;

/// What the `layout` of the tables must be.
const LAYOUT: i64 = 1;

const TABLES: [&str; 3] = ["cloakroom_state", "cloakroom_sessions", "cloakroom_attributes"];

pub(super) fn text(namespace: &Namespace) -> String {
    namespace.apply(include_str!("schema.sql"))
}

/// Why a database cannot hold sessions as it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    NoTables(String),
    Layout(i64),
    NoForeignKeys,
    InMemory,
    NotWal(String),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTables(missing) => write!(
                f,
                "the table `{missing}` does not exist: call `SqliteStore::migrate`, or run the SQL of \
                 `SqliteStore::schema`"
            ),
            Self::Layout(found) => write!(
                f,
                "the tables have layout {found}, and this version knows {LAYOUT}: if it is an older one, call \
                 `SqliteStore::migrate`"
            ),
            Self::NoForeignKeys => f.write_str(
                "`PRAGMA foreign_keys` is off: attributes would outlive their sessions. Connect with \
                 `SqliteConnectOptions::foreign_keys(true)`, which is sqlx's default",
            ),
            Self::InMemory => f.write_str(
                "each connection to an in-memory database has a database of its own: use `MemoryStore` instead, or \
                 `SqliteStore::new` with a pool of exactly one connection that has neither an idle timeout nor a \
                 maximal lifetime",
            ),
            Self::NotWal(mode) => write!(
                f,
                "the database cannot have a write-ahead log and stays in journal mode `{mode}`: is it on a network \
                 file system?"
            ),
        }
    }
}

impl std::error::Error for Unusable {}

impl SqliteStore {
    pub(super) async fn create_tables(&self, writer: &mut Writer<'_>) -> Result<(), sqlx::Error> {
        let mut step = writer.step().await?;
        sqlx::raw_sql(AssertSqlSafe(text(&self.namespace))).execute(step.connection()).await?;
        step.commit().await
    }

    /// Checks once that the database can hold sessions.
    pub(super) async fn ready(&self, during: &'static str) -> Result<(), Error> {
        if self.is_ready.load(Ordering::Acquire) {
            return Ok(());
        }
        // In a box, so that no later operation's future has room for it.
        match Box::pin(self.unusable()).await {
            Ok(None) => {
                self.is_ready.store(true, Ordering::Release);
                Ok(())
            }
            Ok(Some(why)) => Err(Error::new(ErrorKind::Refused, during, why)),
            Err(error) => Err(failed(during, error)),
        }
    }

    async fn unusable(&self) -> Result<Option<Unusable>, sqlx::Error> {
        let mut lease = self.connections.lease().await?;
        let unusable = self.unusable_by(&mut lease).await?;
        lease.give_back();
        Ok(unusable)
    }

    async fn unusable_by(&self, connection: &mut SqliteConnection) -> Result<Option<Unusable>, sqlx::Error> {
        if !scalar::<bool>(connection, "PRAGMA foreign_keys").await? {
            return Ok(Some(Unusable::NoForeignKeys));
        }
        if self.forgets(connection).await? {
            return Ok(Some(Unusable::InMemory));
        }
        for table in TABLES.map(|table| self.namespace.apply(table)) {
            let known =
                sqlx::query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").bind(&table);
            if known.fetch_optional(&mut *connection).await?.is_none() {
                return Ok(Some(Unusable::NoTables(table)));
            }
        }
        let layout = query(&self.sql.read.layout).fetch_optional(&mut *connection).await?;
        let layout = layout.map_or(Ok(0), |row| row.try_get(0))?;
        Ok((layout != LAYOUT).then_some(Unusable::Layout(layout)))
    }

    /// Whether the database is in memory, and the connection that holds it may be closed, or another opened.
    async fn forgets(&self, connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
        let rows = sqlx::query("PRAGMA database_list").fetch_all(connection).await?;
        let is_main = |row: &&SqliteRow| row.try_get::<&str, _>("name").is_ok_and(|name| name == "main");
        let file: Option<&str> =
            rows.iter().find(is_main).map(|row| row.try_get("file")).transpose()?.flatten();
        Ok(file.is_none_or(str::is_empty) && !self.connections.is_one_that_stays())
    }
}

async fn scalar<T>(connection: &mut SqliteConnection, sql: &'static str) -> Result<T, sqlx::Error>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + Unpin,
{
    sqlx::query_scalar(sql).fetch_one(connection).await
}
