use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cloakroom_sqlx::SqliteStore;
use cloakroom_testkit::{Harness, ManualClock};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tempfile::TempDir;

/// Where two nodes write without a pause, one of them may have to wait for long on a slow disk.
const PATIENCE: Duration = Duration::from_secs(60);

/// A database file in a folder of its own, and nodes that share it, each with a pool of its own.
pub(crate) struct Nodes {
    folder: TempDir,
    pub(crate) clock: ManualClock,
}

impl Nodes {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: ManualClock::default() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("sessions.db")
    }

    pub(crate) fn options(&self) -> SqliteConnectOptions {
        SqliteStore::connect_options(self.path())
    }

    /// Opens a pool of one connection, to look at the tables.
    pub(crate) async fn tables(&self) -> SqlitePool {
        pool_of(1, self.options()).await
    }

    /// Makes a store of a pool with other options; the tables must exist.
    pub(crate) async fn store_with(&self, connections: u32, options: SqliteConnectOptions) -> SqliteStore {
        SqliteStore::new(pool_of(connections, options).await).clock(Arc::new(self.clock.clone()))
    }
}

pub(crate) async fn pool_of(connections: u32, options: SqliteConnectOptions) -> SqlitePool {
    SqlitePoolOptions::new().max_connections(connections).connect_with(options).await.unwrap()
}

impl Harness for Nodes {
    type Store = SqliteStore;

    async fn store(&self) -> SqliteStore {
        let store = SqliteStore::open_with(self.options().busy_timeout(PATIENCE)).await.unwrap();
        store.clock(Arc::new(self.clock.clone()))
    }

    async fn neighbour(&self) -> SqliteStore {
        let store = self.store().await.namespace("neighbour").unwrap();
        store.migrate().await.unwrap();
        store
    }

    fn unit(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn is_exact(&self) -> bool {
        true
    }
}
