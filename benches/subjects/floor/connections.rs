use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use benches::Result;
use sqlx::Connection;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Some connections to one database.
///
/// A pool of sqlx asks a connection for a sign of life each time that it is given back, which is one more round trip for
/// each statement.
pub(super) struct Connections<C: Connection>(Arc<Shared<C>>);

struct Shared<C: Connection> {
    options: C::Options,
    idle: Mutex<Vec<C>>,
    permits: Semaphore,
}

impl<C: Connection> Clone for Connections<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Connection> Connections<C> {
    pub(super) fn new(options: C::Options, most: usize) -> Self {
        Self(Arc::new(Shared { options, idle: Mutex::default(), permits: Semaphore::new(most) }))
    }

    /// Waits for a connection that nobody else uses.
    pub(super) async fn take(&self) -> Result<Lease<'_, C>> {
        let permit = self.0.permits.acquire().await?;
        let idle = self.0.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => C::connect_with(&self.0.options).await?,
        };
        Ok(Lease { connection, of: &self.0, _permit: permit })
    }
}

/// A connection in use. It is closed unless it is given back.
pub(super) struct Lease<'a, C: Connection> {
    pub(super) connection: C,
    of: &'a Shared<C>,
    _permit: SemaphorePermit<'a>,
}

impl<C: Connection> Lease<'_, C> {
    pub(super) fn give_back(self) {
        self.of.idle().push(self.connection);
    }
}

impl<C: Connection> Shared<C> {
    fn idle(&self) -> MutexGuard<'_, Vec<C>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
