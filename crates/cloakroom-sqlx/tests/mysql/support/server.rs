use std::time::Duration;

use cloakroom_sqlx::MySqlStore;
use cloakroom_testkit::Harness;
use servers::{MariaDb, MariaDbOptions};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, MySqlConnection, MySqlPool};

/// A database of a random name in the shared server, and nodes that share it, each with a pool of its own. It is dropped at
/// the end.
pub(crate) struct Nodes {
    database: String,
}

impl Nodes {
    pub(crate) async fn new() -> Self {
        let database = format!("cloakroom_{:032x}", random());
        let mut server = server().connect().await.unwrap();
        server.execute(AssertSqlSafe(format!("CREATE DATABASE {database}"))).await.unwrap();
        server.close().await.unwrap();
        Self { database }
    }

    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    pub(crate) fn options(&self) -> MySqlConnectOptions {
        server().database(&self.database)
    }

    /// Opens a pool of one connection, to look at the tables.
    pub(crate) async fn tables(&self) -> MySqlPool {
        MySqlPoolOptions::new().max_connections(1).connect_with(self.options()).await.unwrap()
    }

    pub(crate) async fn connection(&self) -> MySqlConnection {
        self.options().connect().await.unwrap()
    }

    /// Makes a store of a pool of its own; the tables must exist.
    pub(crate) async fn node(&self, connections: u32) -> MySqlStore {
        self.node_with(connections, self.options()).await
    }

    /// The same, with other options.
    pub(crate) async fn node_with(&self, connections: u32, options: MySqlConnectOptions) -> MySqlStore {
        let pool = MySqlStore::pool_options().max_connections(connections).connect_with(options).await;
        MySqlStore::new(pool.unwrap())
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        let database = self.database.clone();
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(drop_database(&database));
        });
        dropping.join().unwrap();
    }
}

/// Drops a database, and ends before what a test that has failed may have left open.
async fn drop_database(database: &str) {
    let mut server = server().connect().await.unwrap();
    let open = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE db = ?";
    let open: Vec<i64> = sqlx::query_scalar(open).bind(database).fetch_all(&mut server).await.unwrap();
    for connection in open {
        let _ = server.execute(AssertSqlSafe(format!("KILL {connection}"))).await;
    }
    server.execute(AssertSqlSafe(format!("DROP DATABASE {database}"))).await.unwrap();
}

/// Returns how to connect to the server that the tests share.
pub(crate) fn server() -> MySqlConnectOptions {
    let Ok(url) = std::env::var("CLOAKROOM_TEST_MYSQL_URL") else {
        panic!("CLOAKROOM_TEST_MYSQL_URL is not set: run tests/run, or: cargo run -p servers")
    };
    url.parse().unwrap()
}

/// Starts a server of a test's own, which takes a while.
pub(crate) async fn start(options: MariaDbOptions) -> MariaDb {
    tokio::task::spawn_blocking(move || options.start().unwrap()).await.unwrap()
}

/// Makes a user `limited` who has only the rights that the store needs once there are tables, and returns its URL.
pub(crate) fn limited(mariadb: &MariaDb) -> String {
    let limited = "CREATE USER limited@'127.0.0.1' IDENTIFIED BY 'secret'; \
                   INSERT INTO mysql.db (host, db, user, select_priv, insert_priv, update_priv, delete_priv) \
                   VALUES ('127.0.0.1', 'cloakroom', 'limited', 'Y', 'Y', 'Y', 'Y'); FLUSH PRIVILEGES";
    mariadb.sql(limited).unwrap();
    mariadb.url().replace("cloakroom:cloakroom@", "limited:secret@")
}

fn random() -> u128 {
    let id = cloakroom_core::CommitId::generate().unwrap();
    u128::from_be_bytes(*id.as_bytes())
}

impl Harness for Nodes {
    type Store = MySqlStore;

    async fn store(&self) -> MySqlStore {
        let store = self.node(8).await;
        store.migrate().await.unwrap();
        store
    }

    async fn neighbour(&self) -> MySqlStore {
        let store = self.node(8).await.namespace("neighbour").unwrap();
        store.migrate().await.unwrap();
        store
    }

    fn unit(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn advance(&self, by: Duration) {
        tokio::time::sleep(by).await;
    }

    fn is_exact(&self) -> bool {
        false
    }
}
