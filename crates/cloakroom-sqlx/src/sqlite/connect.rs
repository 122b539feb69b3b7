use std::path::Path;
use std::time::{Duration, Instant};

use cloakroom_core::{Error, ErrorKind};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};

use super::connections::Own;
use super::error::is_busy;
use super::schema::Unusable;
use crate::error::failed;

pub(super) const OPEN: &str = "open";

/// How long SQLite waits for a lock that another process has.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait between two attempts at what SQLite does not wait for by itself.
const PAUSE: Duration = Duration::from_millis(10);

/// The most a file of the write-ahead log keeps of its size once it was copied back: 64 MiB.
const LOG_LIMIT: &str = "67108864";

/// One writes, the others bring sessions back.
const DEPOT_CONNECTIONS: u32 = 4;

/// Returns the settings that the store wants.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(BUSY_TIMEOUT)
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", LOG_LIMIT)
}

/// Opens a file for a store, which it creates if need be, and puts it into WAL mode, whatever the options say.
pub(super) async fn own(options: SqliteConnectOptions) -> Result<Own, Error> {
    let options = options.journal_mode(SqliteJournalMode::Wal);
    let first = open(&options).await?;
    let threads = std::thread::available_parallelism().map_or(1, |it| it.get());
    Ok(Own::new(options, first, threads.clamp(4, 32)))
}

/// Does the same for a depot: what it holds is worth nothing after a power cut, so that it need not reach the disk at once.
pub(super) async fn depot_pool(path: &Path) -> Result<SqlitePool, Error> {
    let options = options(path).synchronous(SqliteSynchronous::Normal);
    let first = open(&options).await?;
    let pool = pool_options().connect_with(options).await;
    first.close().await.map_err(|error| failed(OPEN, error))?;
    pool.map_err(|error| failed(OPEN, error))
}

/// Tries again where another process is in the way: to put a new file into WAL mode is the one step that SQLite does not wait with.
async fn open(options: &SqliteConnectOptions) -> Result<SqliteConnection, Error> {
    let path = options.get_filename();
    if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" {
        return Err(Error::new(ErrorKind::Refused, OPEN, Unusable::InMemory));
    }
    let began = Instant::now();
    loop {
        match connect(options).await {
            Ok((first, mode)) if mode == "wal" => return Ok(first),
            Ok((_, mode)) => return Err(Error::new(ErrorKind::Refused, OPEN, Unusable::NotWal(mode))),
            Err(error) if is_busy(&error) && began.elapsed() < BUSY_TIMEOUT => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(failed(OPEN, error)),
        }
    }
}

/// Connects, and returns in which mode the file is then.
async fn connect(options: &SqliteConnectOptions) -> Result<(SqliteConnection, String), sqlx::Error> {
    let mut connection = options.connect().await?;
    let mode = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await?;
    Ok((connection, mode))
}

/// A connection does not age, and asking one for a sign of life before each use is a message to its thread and back.
fn pool_options() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(DEPOT_CONNECTIONS)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}
