use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::hosts::Hosts;
use crate::attempts::Attempts;

/// How many connections a store has at most, unless told otherwise.
pub(super) const CONNECTIONS: u32 = 10;

/// After so much rest a connection is asked for a sign of life before it is used.
const RESTED: Duration = Duration::from_secs(1);

/// How long that sign is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Connections to whichever of the hosts takes writes.
///
/// A pool for this store alone. Unlike sqlx's it asks the server for nothing when a connection comes back; and when one breaks,
/// or its server takes no more writes, all others to that server are given up with it.
pub(in crate::postgres) struct Own {
    hosts: Hosts,
    permits: Semaphore,
    attempts: Attempts,
    resting: Mutex<Resting>,
}

#[derive(Default)]
struct Resting {
    connections: Vec<Rested>,
    /// Counts how often all connections were given up. One that was lent out before that does not come back.
    generation: u64,
}

struct Rested {
    connection: PgConnection,
    since: Instant,
    /// Something else took so long that its future was dropped: perhaps the server is out of reach.
    is_doubtful: bool,
}

impl Rested {
    /// Returns the connection if it still works, which it is asked only if there is a reason to.
    async fn tested(mut self) -> Option<PgConnection> {
        let is_fresh = self.since.elapsed() < RESTED && !self.is_doubtful;
        let works = is_fresh || matches!(timeout(PATIENCE, self.connection.ping()).await, Ok(Ok(())));
        works.then_some(self.connection)
    }
}

impl Own {
    pub(in crate::postgres) fn new(hosts: Hosts, max: u32) -> Self {
        let permits = Semaphore::new(max.max(1) as usize);
        Self { hosts, permits, attempts: Attempts::default(), resting: Mutex::default() }
    }

    pub(in crate::postgres) fn with_defaults(hosts: Hosts) -> Self {
        Self::new(hosts, CONNECTIONS)
    }

    /// Returns the same with another number of connections.
    pub(in crate::postgres) fn with_max(&self, max: u32) -> Self {
        Self::new(self.hosts.clone(), max)
    }

    /// Takes a connection: one that rests, or a new one.
    pub(super) async fn lend(&self) -> Result<Lent<'_>, sqlx::Error> {
        let permit = self.permits.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let (connection, generation) = self.usable().await?;
        Ok(Lent { own: self, connection: Some(connection), generation, _permit: permit })
    }

    async fn usable(&self) -> Result<(PgConnection, u64), sqlx::Error> {
        loop {
            let (rested, generation) = self.wake();
            let Some(rested) = rested else {
                return Ok((self.connect().await?, generation));
            };
            if let Some(connection) = rested.tested().await {
                return Ok((connection, generation));
            }
            self.give_up(generation);
        }
    }

    fn wake(&self) -> (Option<Rested>, u64) {
        let mut resting = self.resting();
        (resting.connections.pop(), resting.generation)
    }

    /// Returns how to connect to the server that takes writes.
    pub(super) async fn listening_options(&self) -> Result<PgConnectOptions, sqlx::Error> {
        self.connect().await?.close().await?;
        Ok(self.hosts.preferred())
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        self.attempts.begin()?;
        let result = self.hosts.connect().await;
        self.attempts.end(result.is_err());
        result
    }

    /// Gives up all connections of a generation, unless that has happened already.
    fn give_up(&self, generation: u64) {
        let mut resting = self.resting();
        if resting.generation == generation {
            resting.generation += 1;
            resting.connections.clear();
        }
    }

    fn give_back(&self, connection: PgConnection, generation: u64) {
        let mut resting = self.resting();
        if resting.generation == generation {
            resting.connections.push(Rested { connection, since: Instant::now(), is_doubtful: false });
        }
    }

    fn doubt_all(&self) {
        for rested in &mut self.resting().connections {
            rested.is_doubtful = true;
        }
    }

    fn resting(&self) -> MutexGuard<'_, Resting> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

/// A connection that is in use.
pub(in crate::postgres) struct Lent<'a> {
    own: &'a Own,
    /// There until it is settled.
    connection: Option<PgConnection>,
    generation: u64,
    _permit: SemaphorePermit<'a>,
}

impl Lent<'_> {
    pub(super) fn connection(&mut self) -> Option<&mut PgConnection> {
        self.connection.as_mut()
    }

    /// Gives the connection back, or gives up all to this server.
    pub(super) fn settle(&mut self, is_usable: bool) {
        match self.connection.take() {
            Some(connection) if is_usable => self.own.give_back(connection, self.generation),
            _ => self.own.give_up(self.generation),
        }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if self.connection.is_some() {
            self.own.doubt_all();
        }
    }
}
