use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{ConnectOptions as _, Sqlite};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::query::Query;

/// The user's pool, or connections of the store's own.
#[derive(Clone, Debug)]
pub(super) enum Connections {
    Pool(SqlitePool),
    Own(Arc<Own>),
}

impl Connections {
    /// Takes a connection for one operation.
    pub(super) async fn lease(&self) -> Result<Lease<'_>, sqlx::Error> {
        match self {
            // In a box, so that no operation on connections of the store's own has room for it.
            Self::Pool(pool) => Box::pin(pool.acquire()).await.map(Lease::Pooled),
            Self::Own(own) => own.lend().await.map(Lease::Own),
        }
    }

    /// Reads one row.
    pub(super) async fn read_row(&self, query: Query) -> Result<SqliteRow, sqlx::Error> {
        let mut lease = self.lease().await?;
        let row = query.fetch_one(&mut *lease).await?;
        lease.give_back();
        Ok(row)
    }

    /// Reads rows.
    pub(super) async fn read_rows(&self, query: Query) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let mut lease = self.lease().await?;
        let rows = query.fetch_all(&mut *lease).await?;
        lease.give_back();
        Ok(rows)
    }

    /// Returns whether there is one connection at most, which is never closed: so that a database in memory stays.
    pub(super) fn is_one_that_stays(&self) -> bool {
        match self {
            Self::Pool(pool) => {
                let options = pool.options();
                options.get_max_connections() == 1
                    && options.get_idle_timeout().is_none()
                    && options.get_max_lifetime().is_none()
            }
            Self::Own(_) => false,
        }
    }
}

/// Connections to one file, for this store alone.
///
/// A connection to a file does not break while it rests. So unlike sqlx's pool, this asks none for a sign of life when it comes
/// back, which is a task, and a message to the connection's thread and an answer, for each operation.
pub(super) struct Own {
    options: SqliteConnectOptions,
    permits: Semaphore,
    resting: Mutex<Vec<SqliteConnection>>,
}

impl Own {
    /// Takes the first connection, and how many there may be.
    pub(super) fn new(options: SqliteConnectOptions, first: SqliteConnection, max: usize) -> Self {
        Self { options, permits: Semaphore::new(max), resting: Mutex::new(vec![first]) }
    }

    async fn lend(&self) -> Result<Lent<'_>, sqlx::Error> {
        let permit = self.permits.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let rested = self.resting().pop();
        let connection = match rested {
            Some(connection) => connection,
            None => Box::pin(self.options.connect()).await?,
        };
        Ok(Lent { own: self, connection, _permit: permit })
    }

    fn resting(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A connection for one operation. One of the store's own is closed unless it is [given back](Self::give_back), and with it
/// whatever it has begun.
pub(super) enum Lease<'a> {
    Pooled(PoolConnection<Sqlite>),
    Own(Lent<'a>),
}

/// A connection of the store's own that is in use.
pub(super) struct Lent<'a> {
    own: &'a Own,
    connection: SqliteConnection,
    _permit: SemaphorePermit<'a>,
}

impl Lease<'_> {
    /// Gives the connection back after an operation that has left nothing behind.
    pub(super) fn give_back(self) {
        if let Self::Own(Lent { own, connection, _permit }) = self {
            own.resting().push(connection);
        }
    }

    /// Closes the connection.
    pub(super) fn close(self) {
        if let Self::Pooled(mut pooled) = self {
            pooled.close_on_drop();
        }
    }
}

impl Deref for Lease<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Pooled(pooled) => pooled,
            Self::Own(lent) => &lent.connection,
        }
    }
}

impl DerefMut for Lease<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Pooled(pooled) => pooled,
            Self::Own(lent) => &mut lent.connection,
        }
    }
}
