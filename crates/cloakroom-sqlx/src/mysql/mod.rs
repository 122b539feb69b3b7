//! MySQL 8 and MariaDB: for services on several machines.

mod commit;
mod connect;
mod create;
mod deadlock;
mod departure;
mod end;
mod error;
mod link;
mod load;
mod locked;
mod principal;
mod row;
mod schema;
mod script;
mod session;
mod statements;
mod step;
mod store;
mod sweep;
mod touch;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cloakroom_core::{
    About, Commit, Ended, Error, Feed, Handle, Invalidate, Invalidated, Load, Loaded, Outcome, Principal,
    SessionInfo, Store, Sweep,
};
use sqlx::MySqlPool;
use sqlx::mysql::MySqlPoolOptions;

use self::error::failed;
pub(crate) use self::error::kind as error_kind;
use self::link::Links;
use self::script::Script;
use self::statements::Statements;
use crate::namespace::{InvalidNamespace, Namespace};

/// Keeps sessions in a MySQL or MariaDB database.
///
/// A clone is the same store. See the [crate] for guarantees, durability, cost and privileges.
///
/// # Examples
///
/// ```no_run
/// use cloakroom_core::Store as _;
/// use cloakroom_sqlx::MySqlStore;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MySqlStore::connect("mysql://app:secret@db.example/app").await?;
/// store.ping().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MySqlStore {
    links: Links,
    namespace: Namespace,
    sql: Arc<Statements>,
    is_ready: Arc<AtomicBool>,
}

impl MySqlStore {
    /// Connects to a database, and creates the tables where they do not exist.
    ///
    /// Several processes may do so at the same time.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached, or the tables cannot be created.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let store = Self::new(connect::pool(url).await?);
        store.migrate().await?;
        Ok(store)
    }

    /// Takes a pool of your own. Nothing is read or written yet.
    ///
    /// The tables must exist before the first use: call [`migrate`](Self::migrate), or run the SQL of
    /// [`schema`](Self::schema) among your own migrations. Otherwise every operation fails with
    /// [`ErrorKind::Refused`](cloakroom_core::ErrorKind::Refused). Make the pool with
    /// [`pool_options`](Self::pool_options), or see there what matters.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use cloakroom_sqlx::MySqlStore;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let options = MySqlStore::pool_options().max_connections(20);
    /// let pool = options.connect("mysql://app:secret@db.example/app").await?;
    /// let store = MySqlStore::new(pool).namespace("shop")?;
    /// store.migrate().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new(pool: MySqlPool) -> Self {
        let namespace = Namespace::default();
        Self {
            links: Links::new(pool),
            sql: Arc::new(Statements::new(&namespace)),
            namespace,
            is_ready: Arc::default(),
        }
    }

    /// Returns the settings that [`connect`](Self::connect) uses, for a pool of your own.
    ///
    /// | setting | value | why |
    /// |---|---|---|
    /// | `acquire_timeout` | 5 s | a server that is away is told soon |
    /// | `test_before_acquire` | off | the test is a round trip more for each operation; instead a connection is asked for a sign of life when it was idle for 30 s, or when another one was lost |
    /// | `innodb_lock_wait_timeout` | 5 s | a commit whose caller has given up does not wait long; the server's default is 50 s |
    ///
    /// The last two are a `before_acquire` and an `after_connect`: one of your own takes their place. A `before_acquire` is
    /// called for each operation whose connection was idle.
    #[must_use]
    pub fn pool_options() -> MySqlPoolOptions {
        connect::pool_options()
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

    /// Creates the tables where they do not exist; otherwise does nothing. Any number of processes may call it at once.
    ///
    /// # Errors
    ///
    /// When the backend fails, or the tables there are of a layout that this version does not know.
    pub async fn migrate(&self) -> Result<(), Error> {
        if self.ready(schema::MIGRATE).await.is_ok() {
            return Ok(());
        }
        self.create_tables().await?;
        self.ready(schema::MIGRATE).await
    }

    /// Returns the SQL that [`migrate`](Self::migrate) runs, to be put among your own migrations. Running it again changes
    /// nothing.
    #[must_use]
    pub fn schema(&self) -> String {
        schema::text(&self.namespace)
    }
}

impl Store for MySqlStore {
    fn about(&self) -> About {
        About { backend: "mysql", namespace: self.namespace.shared() }
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        self.load_and_touch(load).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        self.commit_with_retries(commit).await
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        self.invalidate_with_retries(invalidate).await
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        self.list(principal).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        self.sweep_with_retries(sweep).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        self.acknowledge_all(handles).await
    }

    async fn ping(&self) -> Result<(), Error> {
        const PING: &str = "ping";
        self.ready(PING).await?;
        let mut script = Script::default();
        script.push(&self.namespace, "SELECT layout FROM cloakroom_state WHERE id = 1");
        let failed = |error| failed(PING, error);
        self.links.acquire().await.map_err(failed)?.run(script).await.map(|_| ()).map_err(failed)
    }

    /// None: the servers tell nobody of what others write.
    fn feed(&self) -> Option<Feed> {
        None
    }
}
