use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection as _, Either, MySql, MySqlPool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::departure::{Departure, Era};
use super::error::{breaks, is_read_only};
use super::script::{Answer, Script};
use super::statements::Query;
use crate::attempts::Attempts;

/// How long a connection in doubt has to show a sign of life.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// Where connections come from.
///
/// When one was lost, or given up with an answer outstanding, all others that are open are in doubt, and are asked for a
/// sign of life before they are used again. If one gives none, all that are idle are given up. So a server that was
/// restarted, or cannot be reached any more by the connections there were, does not cost a failure for each of them.
///
/// When a server takes no writes, another one may have taken over: then every connection that was open is given up, also
/// those that only read, so that the next ones lead to where the name in the URL leads now.
#[derive(Clone, Debug)]
pub(super) struct Links {
    pool: MySqlPool,
    /// As many as the pool has connections: whoever waits here has not begun to connect.
    permits: Arc<Semaphore>,
    attempts: Arc<Attempts>,
    /// How many connections are in doubt, at most.
    doubtful: Arc<AtomicU32>,
    departure: Arc<Departure>,
}

impl Links {
    pub(super) fn new(pool: MySqlPool) -> Self {
        let permits = Semaphore::new(pool.options().get_max_connections() as usize);
        let (attempts, doubtful, departure) = (Arc::default(), Arc::default(), Arc::default());
        Self { pool, permits: Arc::new(permits), attempts, doubtful, departure }
    }

    pub(super) async fn acquire(&self) -> Result<Link, sqlx::Error> {
        loop {
            let permit = Arc::clone(&self.permits).acquire_owned().await;
            let permit = permit.map_err(|_| sqlx::Error::PoolClosed)?;
            let is_doubted = self.doubtful.load(Ordering::Acquire) > 0;
            let era = self.departure.era();
            if era.is_leaving {
                self.close_idle();
            }
            let connection = self.connection().await?;
            let (links, _permit) = (self.clone(), permit);
            let mut link =
                Link { connection, links, era, is_busy: false, is_open: false, is_doubted, _permit };
            if !is_doubted || link.is_alive().await {
                return Ok(link);
            }
        }
    }

    /// Takes one that is idle, or waits for one, or connects. Whatever the pool wants done before a connection is used is
    /// done: so not by `try_acquire`, which leaves out its tests and hooks.
    async fn connection(&self) -> Result<PoolConnection<MySql>, sqlx::Error> {
        let may_connect = self.pool.num_idle() == 0;
        if may_connect {
            self.attempts.begin()?;
        }
        let result = self.pool.acquire().await;
        // A pool whose connections are all in use says nothing of the server, nor does one that was idle.
        if !matches!(result, Err(sqlx::Error::PoolTimedOut)) && (may_connect || result.is_err()) {
            self.attempts.end(result.is_err());
        }
        result
    }

    fn doubt_all(&self) {
        self.doubtful.store(self.pool.size(), Ordering::Release);
    }

    fn doubt_one_less(&self) {
        let one_less = |doubtful: u32| doubtful.checked_sub(1);
        let _ = self.doubtful.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less);
    }

    fn give_up_idle(&self) {
        self.doubtful.store(0, Ordering::Release);
        self.close_idle();
    }

    fn close_idle(&self) {
        while let Some(mut connection) = self.pool.try_acquire() {
            connection.close_on_drop();
        }
    }
}

/// A connection that is closed unless all went in order: also when the future that uses it is dropped.
pub(super) struct Link {
    connection: PoolConnection<MySql>,
    links: Links,
    /// When it was taken.
    era: Era,
    /// An answer is still to come.
    is_busy: bool,
    /// A transaction is open.
    is_open: bool,
    /// It has yet to show a sign of life.
    is_doubted: bool,
    _permit: OwnedSemaphorePermit,
}

impl Link {
    /// Tells whether the connection is within a transaction, which its end must not leave behind.
    pub(super) fn set_open(&mut self, is_open: bool) {
        self.is_open = is_open;
    }

    async fn is_alive(&mut self) -> bool {
        self.is_busy = true;
        self.is_busy = !matches!(timeout(PATIENCE, self.connection.ping()).await, Ok(Ok(())));
        self.is_doubted = self.is_busy;
        if !self.is_doubted {
            self.links.doubt_one_less();
        }
        !self.is_doubted
    }

    /// Sends all statements, and returns the answer to each.
    pub(super) async fn run(&mut self, script: Script) -> Result<Vec<Answer>, sqlx::Error> {
        self.is_busy = true;
        let result = answers(&mut self.connection, script).await;
        self.settle(result)
    }

    pub(super) async fn rows(&mut self, query: Query) -> Result<Vec<MySqlRow>, sqlx::Error> {
        self.is_busy = true;
        let result = query.fetch_all(&mut *self.connection).await;
        self.settle(result)
    }

    /// Runs a statement that has no rows, and returns how many it has found.
    pub(super) async fn execute(&mut self, query: Query) -> Result<u64, sqlx::Error> {
        self.is_busy = true;
        let result = query.execute(&mut *self.connection).await;
        self.settle(result.map(|done| done.rows_affected()))
    }

    fn settle<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        if result.as_ref().is_err_and(is_read_only) {
            self.leave();
        } else {
            self.is_busy = result.as_ref().is_err_and(breaks);
        }
        result
    }

    /// Gives up this connection, and all others that lead to where it does.
    fn leave(&mut self) {
        (self.is_busy, self.era.is_leaving) = (false, true);
        if self.links.departure.begin() {
            self.links.close_idle();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if self.is_busy || self.is_open || !self.links.departure.keeps(self.era) {
            self.connection.close_on_drop();
        }
        match (self.is_busy, self.is_doubted) {
            (true, true) => self.links.give_up_idle(),
            (true, false) => self.links.doubt_all(),
            (false, _) => {}
        }
    }
}

async fn answers(connection: &mut MySqlConnection, script: Script) -> Result<Vec<Answer>, sqlx::Error> {
    let (mut answers, mut rows) = (Vec::new(), Vec::new());
    for message in script.messages() {
        let mut results = sqlx::raw_sql(AssertSqlSafe(message)).fetch_many(&mut *connection);
        while let Some(result) = results.try_next().await? {
            match result {
                Either::Right(row) => rows.push(row),
                Either::Left(done) => {
                    answers.push(Answer { rows: std::mem::take(&mut rows), affected: done.rows_affected() });
                }
            }
        }
    }
    Ok(answers)
}
