use std::env;
use std::thread;
use std::time::Duration;

use cloakroom_core::Ticket;
use cloakroom_sqlx::PostgresStore;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Decode, Postgres, Type};

const VARIABLE: &str = "CLOAKROOM_TEST_POSTGRES_URL";

/// A schema of a random name on the shared server, dropped in the end.
pub(crate) struct Database {
    url: String,
    schema: String,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self::on(shared_url())
    }

    /// The same on another server, which must still be there in the end.
    pub(crate) fn on(url: String) -> Self {
        let id: String = Ticket::generate().unwrap().handle().to_string().replace('-', "");
        Self { url, schema: format!("test_{id}") }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    /// Returns a store of a few connections of its own, whose tables exist.
    pub(crate) async fn store(&self) -> PostgresStore {
        let store = self.lazy();
        store.migrate().await.unwrap();
        store
    }

    /// Returns a store that has done nothing yet.
    pub(crate) fn lazy(&self) -> PostgresStore {
        self.at(PostgresStore::connect_lazy(&self.url).unwrap().max_connections(4))
    }

    /// Moves a store into this schema.
    pub(crate) fn at(&self, store: PostgresStore) -> PostgresStore {
        store.in_schema(&self.schema).unwrap()
    }

    /// Opens a connection to look at the tables.
    pub(crate) async fn tables(&self) -> PgConnection {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        run(&mut connection, &format!("SET search_path = {}", self.schema)).await;
        connection
    }

    /// Waits until so many statements on this schema wait for a lock.
    pub(crate) async fn until_waiting(&self, count: i64) {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1";
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let pattern = format!("%{}.%", self.schema);
        loop {
            let waiting: i64 =
                sqlx::query_scalar(sql).bind(&pattern).fetch_one(&mut connection).await.unwrap();
            if waiting >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Blocks until the schema is gone. After a failure it stays, to be looked at.
impl Drop for Database {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        let (url, sql) = (self.url.clone(), format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema));
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&url).await.unwrap();
                run(&mut connection, "SET client_min_messages = warning").await;
                run(&mut connection, &sql).await;
            });
        });
        dropping.join().unwrap();
    }
}

/// Returns the URL of the server that all tests share.
pub(crate) fn shared_url() -> String {
    env::var(VARIABLE).unwrap_or_else(|_| {
        panic!("{VARIABLE} is not set: start the servers and set it with `cargo run -p servers -- run cargo test`")
    })
}

/// Runs a statement, or several.
pub(crate) async fn run(connection: &mut PgConnection, sql: &str) -> u64 {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap().rows_affected()
}

/// Returns the one value of a statement.
pub(crate) async fn scalar<T>(connection: &mut PgConnection, sql: &str) -> T
where
    T: for<'r> Decode<'r, Postgres> + Type<Postgres> + Send + Unpin,
{
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await.unwrap()
}

/// Makes all sessions so old that they have expired, whatever their terms.
pub(crate) async fn age_all(connection: &mut PgConnection) {
    let older = "UPDATE cloakroom_sessions SET due_at = 0, accessed_at = 0, ends_at = least(ends_at, 1)";
    run(connection, older).await;
}
