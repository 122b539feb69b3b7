use std::fmt;
use std::sync::atomic::Ordering;

use cloakroom_core::{Error, ErrorKind};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::PostgresStore;
use super::error::refused;
use super::place::Place;

/// What the `layout` of the tables must be.
const LAYOUT: i32 = 1;

/// Counts the changes to the functions. The functions of a newer revision do for older stores.
const REVISION: i32 = 1;

const TABLES: &str = include_str!("sql/tables.sql");
const FUNCTIONS: [&str; 5] = [
    include_str!("sql/common.sql"),
    include_str!("sql/load.sql"),
    include_str!("sql/commit.sql"),
    include_str!("sql/end.sql"),
    include_str!("sql/sweep.sql"),
];

/// Returns all of the schema as SQL.
pub(super) fn text(place: &Place) -> String {
    let schema = place.schema.as_ref().map_or_else(String::new, |schema| {
        let name = schema.shared();
        format!(
            "DO $$ BEGIN IF to_regnamespace('{name}') IS NULL THEN CREATE SCHEMA {name}; END IF; END $$;\n\n"
        )
    });
    schema + &place.apply(&format!("{TABLES}\n")) + &functions(place)
}

/// Returns what replaces the functions and says so. It waits for nobody who reads or writes sessions.
fn functions(place: &Place) -> String {
    let functions = FUNCTIONS.join("\n");
    let state = format!(
        "INSERT INTO cloakroom.state AS s (id, layout, revision, epoch) VALUES (1, {LAYOUT}, {REVISION}, 1)\n    \
         ON CONFLICT (id) DO UPDATE SET revision = greatest(s.revision, excluded.revision);\n"
    );
    place.apply(&format!("{functions}\n{state}"))
}

/// Why a database cannot hold sessions as it is.
#[derive(Debug)]
pub(super) enum Unusable {
    NoTables(String),
    Missing(Box<sqlx::Error>),
    Layout(i32),
    Revision(i32),
    Encoding(String),
    Isolation(String),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIGRATE: &str = "call `PostgresStore::migrate`, or run the SQL of `PostgresStore::schema`";
        match self {
            Self::NoTables(missing) => write!(f, "the table `{missing}` does not exist: {MIGRATE}"),
            Self::Missing(_) => write!(f, "a table or function is missing: {MIGRATE}"),
            Self::Layout(found) => write!(
                f,
                "the tables have layout {found}, and this version knows {LAYOUT}: if it is an older one, {MIGRATE}"
            ),
            Self::Revision(found) => {
                write!(
                    f,
                    "the functions are of revision {found}, and this version needs {REVISION}: {MIGRATE}"
                )
            }
            Self::Encoding(found) => {
                write!(f, "the database has the encoding {found}, and sessions need UTF8")
            }
            Self::Isolation(found) => write!(
                f,
                "`default_transaction_isolation` is {found}, and the store needs `read committed`, which is \
                 PostgreSQL's default: set it for this user or this database"
            ),
        }
    }
}

impl std::error::Error for Unusable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Missing(source) => Some(source),
            _ => None,
        }
    }
}

impl PostgresStore {
    pub(super) async fn create_schema(&self, during: &'static str) -> Result<(), Error> {
        let mut lease = self.connections.lease(during).await?;
        let result = self.create_in(lease.connection()).await;
        lease.settle(result).map_err(|error| refused(during, error))
    }

    /// Creates what is missing, in one transaction. Others who create wait for it.
    async fn create_in(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut transaction = connection.begin().await?;
        let state = self.place.apply("cloakroom.state");
        let lock = format!("SELECT pg_advisory_xact_lock(hashtextextended('migrate {state}', 0))");
        sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *transaction).await?;
        let missing = match self.found(&mut transaction).await? {
            None => text(&self.place),
            Some((LAYOUT, ..REVISION)) => functions(&self.place),
            Some(_) => return transaction.commit().await,
        };
        sqlx::raw_sql(AssertSqlSafe(missing)).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// Checks once that the database can hold sessions.
    pub(super) async fn ready(&self, during: &'static str) -> Result<(), Error> {
        if self.is_ready.load(Ordering::Acquire) {
            return Ok(());
        }
        // In a box, so that no later operation's future has room for it.
        Box::pin(self.check(during)).await
    }

    async fn check(&self, during: &'static str) -> Result<(), Error> {
        let mut lease = self.connections.lease(during).await?;
        let result = self.unusable(lease.connection()).await;
        match lease.settle(result).map_err(|error| refused(during, error))? {
            None => {
                self.is_ready.store(true, Ordering::Release);
                Ok(())
            }
            Some(why) => Err(Error::new(ErrorKind::Refused, during, why)),
        }
    }

    /// Asks the database for the state of the tables.
    pub(super) async fn sign_of_life(&self, during: &'static str) -> Result<(), Error> {
        self.ready(during).await?;
        let mut lease = self.connections.lease(during).await?;
        let result = self.state(lease.connection()).await;
        lease.settle(result).map(drop).map_err(|error| refused(during, error))
    }

    async fn unusable(&self, connection: &mut PgConnection) -> Result<Option<Unusable>, sqlx::Error> {
        let settings =
            "SELECT current_setting('server_encoding'), current_setting('default_transaction_isolation')";
        let row = sqlx::raw_sql(settings).fetch_one(&mut *connection).await?;
        let (encoding, isolation): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        if encoding != "UTF8" {
            return Ok(Some(Unusable::Encoding(encoding)));
        }
        if isolation != "read committed" {
            return Ok(Some(Unusable::Isolation(isolation)));
        }
        Ok(match self.found(connection).await? {
            None => Some(Unusable::NoTables(self.place.apply("cloakroom.state"))),
            Some((layout, _)) if layout != LAYOUT => Some(Unusable::Layout(layout)),
            Some((_, revision)) if revision < REVISION => Some(Unusable::Revision(revision)),
            Some(_) => None,
        })
    }

    /// Reads the layout and the revision, if there are tables.
    async fn found(&self, connection: &mut PgConnection) -> Result<Option<(i32, i32)>, sqlx::Error> {
        let known = self.place.apply("SELECT to_regclass('cloakroom.state') IS NOT NULL");
        let row = sqlx::raw_sql(AssertSqlSafe(known)).fetch_one(&mut *connection).await?;
        if row.try_get(0)? { self.state(connection).await } else { Ok(None) }
    }

    async fn state(&self, connection: &mut PgConnection) -> Result<Option<(i32, i32)>, sqlx::Error> {
        let state = self.place.apply("SELECT layout, revision FROM cloakroom.state");
        let row = sqlx::raw_sql(AssertSqlSafe(state)).fetch_optional(connection).await?;
        let read = |row: PgRow| Ok((row.try_get(0)?, row.try_get(1)?));
        row.map(read).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The FNV-1a hash of the functions' text.
    fn fingerprint() -> u64 {
        let bytes = FUNCTIONS.iter().flat_map(|text| text.bytes());
        bytes
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    #[test]
    fn functions_that_have_changed_have_another_revision() {
        let known = (1, 7_673_541_615_818_802_773);
        let hint = "once this version is released: raise REVISION too, or databases keep the old functions";
        assert_eq!((REVISION, fingerprint()), known, "{hint}");
    }

    #[test]
    fn the_schema_is_made_if_there_is_to_be_one() {
        let mut place = Place::default();
        assert!(!text(&place).contains("CREATE SCHEMA"));
        place.schema = Some(crate::namespace::Namespace::new("web").unwrap());
        assert!(text(&place).contains("CREATE SCHEMA web;"));
        assert!(!text(&place).contains("cloakroom."), "every name is in the schema");
    }
}
