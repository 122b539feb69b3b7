use cloakroom_core::{Clock, Error, Timestamp};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Sqlite, Transaction};
use tokio::sync::MutexGuard;

use super::SqliteStore;
use super::connections::Lease;
use crate::error::failed;

/// A connection that may write.
///
/// SQLite has one writer at a time, and lets the others poll for their turn. So the writers of one store queue here
/// first, in order, and without a connection that readers could use; polling is left for other processes.
pub(super) struct Writer<'a> {
    lease: Lease<'a>,
    clock: &'a dyn Clock,
    _turn: MutexGuard<'a, ()>,
}

/// A transaction that holds the write lock, and the time at which it got it.
pub(super) struct Step<'a> {
    transaction: Transaction<'a, Sqlite>,
    pub(super) now: Timestamp,
}

impl SqliteStore {
    /// Waits for the turn to write. Never call this with a connection in hand: whoever has the turn may wait for it.
    pub(super) async fn writer(&self, during: &'static str) -> Result<Writer<'_>, Error> {
        self.ready(during).await?;
        self.unchecked_writer(during).await
    }

    /// The same, whether or not there are tables to write to.
    pub(super) async fn unchecked_writer(&self, during: &'static str) -> Result<Writer<'_>, Error> {
        let turn = self.turn.lock().await;
        let lease = self.connections.lease().await.map_err(|error| failed(during, error))?;
        Ok(Writer { lease, clock: &*self.clock, _turn: turn })
    }
}

impl Writer<'_> {
    /// Begins a transaction that rolls back unless it is [committed](Step::commit), also when its future is dropped.
    pub(super) async fn step(&mut self) -> Result<Step<'_>, sqlx::Error> {
        let transaction = self.lease.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Step { transaction, now: self.clock.now() })
    }

    /// Ends the turn.
    ///
    /// After an error the connection is closed: where SQLite has rolled back by itself, as it may when the disk is full,
    /// the driver believes that the transaction is still open.
    pub(super) fn finish<T>(self, during: &'static str, result: Result<T, sqlx::Error>) -> Result<T, Error> {
        if result.is_ok() {
            self.lease.give_back();
        } else {
            self.lease.close();
        }
        result.map_err(|error| failed(during, error))
    }
}

impl Step<'_> {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }
}
