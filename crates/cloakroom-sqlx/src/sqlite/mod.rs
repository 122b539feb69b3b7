//! SQLite: for services on one machine, where several processes may share a file.

mod attributes;
mod commit;
mod connect;
mod connections;
mod depot;
mod end;
mod error;
mod load;
mod principal;
mod query;
mod row;
mod schema;
mod session;
mod statements;
mod sweep;
mod touch;
mod write;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cloakroom_core::{
    About, Clock, Commit, Ended, Error, Feed, Handle, Invalidate, Invalidated, Load, Loaded, Outcome,
    Principal, SessionInfo, Store, Sweep, SystemClock,
};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::Mutex;

use self::connections::Connections;
pub use self::depot::SqliteDepot;
pub(crate) use self::error::{is_read_only, kind as error_kind};
use self::query::query;
use self::statements::Statements;
use self::sweep::SWEEP;
use crate::error::failed;
use crate::namespace::{InvalidNamespace, Namespace};

/// Keeps sessions in a SQLite database.
///
/// A clone is the same store. See the [crate] for guarantees, durability and cost.
///
/// # Examples
///
/// ```
/// use cloakroom_core::Store as _;
/// use cloakroom_sqlx::SqliteStore;
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("sessions.db");
/// let store = SqliteStore::open(path).await?;
/// store.ping().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SqliteStore {
    connections: Connections,
    namespace: Namespace,
    sql: Arc<Statements>,
    clock: Arc<dyn Clock>,
    /// Whose turn it is to write; see [`Writer`](write::Writer).
    turn: Arc<Mutex<()>>,
    is_ready: Arc<AtomicBool>,
}

impl SqliteStore {
    /// Opens a database file, and creates it and its tables where they do not exist.
    ///
    /// Several processes may do so at the same time.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or written, or cannot have a write-ahead log; and for `:memory:`, see
    /// [in-memory databases](crate#in-memory-databases).
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(connect::options(path.as_ref())).await
    }

    /// Opens a database file with settings of your own, such as a longer `busy_timeout`. Begin with
    /// [`connect_options`](Self::connect_options). The file is put into WAL mode in any case.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), and [`ErrorKind::Refused`](cloakroom_core::ErrorKind::Refused) where foreign keys are off.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use cloakroom_sqlx::SqliteStore;
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.db");
    /// let options = SqliteStore::connect_options(path).busy_timeout(Duration::from_secs(20));
    /// let store = SqliteStore::open_with(options).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn open_with(options: SqliteConnectOptions) -> Result<Self, Error> {
        let own = connect::own(options).await?;
        let store = Self::on(Connections::Own(Arc::new(own)));
        store.migrate().await?;
        Ok(store)
    }

    /// Takes a pool of your own. Nothing is read or written yet.
    ///
    /// The tables must exist before the first use: call [`migrate`](Self::migrate), or run the SQL of
    /// [`schema`](Self::schema) among your own migrations. Otherwise every operation fails with
    /// [`ErrorKind::Refused`](cloakroom_core::ErrorKind::Refused). Connect with [`connect_options`](Self::connect_options), or see there what matters.
    ///
    /// # Examples
    ///
    /// ```
    /// use cloakroom_sqlx::SqliteStore;
    /// use sqlx::sqlite::SqlitePoolOptions;
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.db");
    /// let options = SqliteStore::connect_options(path);
    /// let pool = SqlitePoolOptions::new().max_connections(8).connect_with(options).await?;
    /// let store = SqliteStore::new(pool).namespace("shop")?;
    /// store.migrate().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(pool: SqlitePool) -> Self {
        Self::on(Connections::Pool(pool))
    }

    fn on(connections: Connections) -> Self {
        let namespace = Namespace::default();
        Self {
            connections,
            sql: Arc::new(Statements::new(&namespace)),
            namespace,
            clock: Arc::new(SystemClock),
            turn: Arc::default(),
            is_ready: Arc::default(),
        }
    }

    /// Returns the settings that [`open`](Self::open) uses, for [`open_with`](Self::open_with) or a pool of your own on the file at
    /// `path`.
    ///
    /// | setting | value | why |
    /// |---|---|---|
    /// | `foreign_keys` | on | attributes end with their session; the store refuses to work without |
    /// | `journal_mode` | WAL | readers and the writer do not wait for each other |
    /// | `synchronous` | `FULL` | what was acknowledged survives a power cut; see [durability](crate#durability) |
    /// | `busy_timeout` | 5 s | how long to wait for another process's transaction: see below |
    /// | `journal_size_limit` | 64 MiB | the log shrinks again after a burst |
    ///
    /// SQLite has no queue for the processes that share a file: who waits looks again, after 100 ms at most. So where one process
    /// writes without a pause, and the disk is slow, another may wait for seconds; after the timeout an operation fails with
    /// [`ErrorKind::Timeout`](cloakroom_core::ErrorKind::Timeout), and nothing is done. Tasks of one store wait in order.
    ///
    /// In a pool of your own also consider `test_before_acquire(false)`: a connection to a file does not break while it is
    /// idle, and the test costs as much as a small statement.
    #[must_use]
    pub fn connect_options(path: impl AsRef<Path>) -> SqliteConnectOptions {
        connect::options(path.as_ref())
    }

    /// Sets what the names of the tables begin with: `shop` makes `shop_sessions`. `cloakroom` unless set.
    ///
    /// Sessions of different namespaces never meet. Each needs tables of its own: call [`migrate`](Self::migrate) after
    /// this.
    ///
    /// # Errors
    ///
    /// Unless it is 1 to 40 lower-case ASCII letters, digits and underscores, beginning with a letter.
    pub fn namespace(mut self, namespace: &str) -> Result<Self, InvalidNamespace> {
        self.namespace = Namespace::new(namespace)?;
        self.sql = Arc::new(Statements::new(&self.namespace));
        self.is_ready = Arc::default();
        Ok(self)
    }

    /// Sets where the time is read, for tests. The machine's clock unless set.
    ///
    /// All processes that share a file must have the same time.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Creates the tables where they do not exist; otherwise does nothing. Any number of processes may call it at once.
    ///
    /// # Errors
    ///
    /// When the backend fails, or the tables there are of a layout that this version does not know.
    pub async fn migrate(&self) -> Result<(), Error> {
        const MIGRATE: &str = "migrate";
        let mut writer = self.unchecked_writer(MIGRATE).await?;
        let result = self.create_tables(&mut writer).await;
        writer.finish(MIGRATE, result)?;
        self.ready(MIGRATE).await
    }

    /// Returns the SQL that [`migrate`](Self::migrate) runs, to be put among your own migrations. Running it again changes
    /// nothing.
    #[must_use]
    pub fn schema(&self) -> String {
        schema::text(&self.namespace)
    }
}

impl Store for SqliteStore {
    fn about(&self) -> About {
        About { backend: "sqlite", namespace: self.namespace.shared() }
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        self.load_and_touch(load).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        const COMMIT: &str = "commit";
        let mut writer = self.writer(COMMIT).await?;
        let result = self.commit_with(&mut writer, commit).await;
        writer.finish(COMMIT, result)
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        const INVALIDATE: &str = "invalidate";
        let mut writer = self.writer(INVALIDATE).await?;
        let result = self.invalidate_with(&mut writer, invalidate).await;
        writer.finish(INVALIDATE, result)
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        self.list(principal).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        if !self.is_sweep_due().await? {
            return Ok(Vec::new());
        }
        let mut writer = self.writer(SWEEP).await?;
        let result = self.sweep_with(&mut writer, sweep).await;
        writer.finish(SWEEP, result)
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        const ACKNOWLEDGE: &str = "acknowledge";
        let mut writer = self.writer(ACKNOWLEDGE).await?;
        let result = self.acknowledge_with(&mut writer, handles).await;
        writer.finish(ACKNOWLEDGE, result)
    }

    async fn ping(&self) -> Result<(), Error> {
        const PING: &str = "ping";
        self.ready(PING).await?;
        let answer = self.connections.read_row(query(&self.sql.read.layout)).await;
        answer.map(|_| ()).map_err(|error| failed(PING, error))
    }

    /// None: SQLite tells nobody of what other processes write.
    fn feed(&self) -> Option<Feed> {
        None
    }
}
