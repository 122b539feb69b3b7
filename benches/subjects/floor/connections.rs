use std::sync::{Arc, Mutex, PoisonError};

use benches::Result;
use sqlx::Connection;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Some connections to one database.
///
/// A pool of sqlx asks a connection for a sign of life each time that it is given back, which is one more round trip for
/// each statement.
pub(super) struct Connections<C: Connection> {
    options: C::Options,
    idle: Arc<Mutex<Vec<C>>>,
    permits: Arc<Semaphore>,
}

impl<C: Connection> Clone for Connections<C> {
    fn clone(&self) -> Self {
        Self {
            options: self.options.clone(),
            idle: Arc::clone(&self.idle),
            permits: Arc::clone(&self.permits),
        }
    }
}

impl<C: Connection> Connections<C> {
    pub(super) fn new(options: C::Options, most: usize) -> Self {
        Self { options, idle: Arc::default(), permits: Arc::new(Semaphore::new(most)) }
    }

    /// Waits for a connection that nobody else uses.
    pub(super) async fn take(&self) -> Result<Lease<'_, C>> {
        let permit = self.permits.acquire().await?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => C::connect_with(&self.options).await?,
        };
        Ok(Lease { connection, of: self, _permit: permit })
    }
}

/// A connection in use. It is closed unless it is given back.
pub(super) struct Lease<'a, C: Connection> {
    pub(super) connection: C,
    of: &'a Connections<C>,
    _permit: SemaphorePermit<'a>,
}

impl<C: Connection> Lease<'_, C> {
    pub(super) fn give_back(self) {
        self.of.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.connection);
    }
}
