use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use cloakroom_core::{BoxFuture, Depot, Error, ErrorKind};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection as _, Row as _, Sqlite, SqliteConnection, SqlitePool};

use super::connect::{self, OPEN};
use crate::error::failed;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS cloakroom_parcels (number INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS cloakroom_records (number INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS cloakroom_seal (id INTEGER PRIMARY KEY CHECK (id = 1), note BLOB NOT NULL) STRICT;
";

/// A database of which nothing is good for another start but what was sealed.
const BEGIN: &str = "
    DELETE FROM cloakroom_records WHERE NOT EXISTS (SELECT 1 FROM cloakroom_seal);
    DELETE FROM cloakroom_parcels WHERE number NOT IN (SELECT number FROM cloakroom_records);
    DELETE FROM cloakroom_records;
    DELETE FROM cloakroom_seal;
";

/// Keeps what a memory store has no room for in a SQLite database of its own.
///
/// One process at a time: whoever has it open holds a lock on a file beside it, whose name ends in `-owner`. A clone is the
/// same depot. The file takes the space of the most that was ever in it, and uses it again; it does not shrink.
///
/// What is written while the store runs survives the end of the process, and need not survive a power cut: without the
/// process's memory it is worth nothing. What [`seal`](Depot::seal) left for the next start survives both.
///
/// ```
/// use cloakroom_core::Depot as _;
/// use cloakroom_sqlx::SqliteDepot;
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("passivated.db");
/// let depot = SqliteDepot::open(path).await?;
/// assert_eq!(depot.sealed().await?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SqliteDepot {
    pool: SqlitePool,
    /// Its lock is held until the last clone is dropped.
    _owner: Arc<File>,
}

impl SqliteDepot {
    /// Opens a database file, and creates it and its tables where they do not exist.
    ///
    /// # Errors
    ///
    /// [`Refused`](ErrorKind::Refused) when another process has it open; otherwise when the file cannot be opened or
    /// written, or cannot have a write-ahead log.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let owner = own(path)?;
        let pool = connect::depot_pool(path).await?;
        let created = sqlx::raw_sql(TABLES).execute(&pool).await;
        created.map_err(|error| failed(OPEN, error))?;
        Ok(Self { pool, _owner: Arc::new(owner) })
    }

    /// Runs statements in one transaction.
    ///
    /// After an error the connection is closed: see [`Writer::finish`](super::write::Writer::finish).
    async fn write<T>(
        &self,
        during: &'static str,
        durable: bool,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Error> {
        let mut connection = self.pool.acquire().await.map_err(|error| failed(during, error))?;
        let result = transact(&mut connection, durable, work).await;
        if result.is_err() {
            connection.close_on_drop();
        }
        result.map_err(|error| failed(during, error))
    }
}

async fn transact<T>(
    connection: &mut PoolConnection<Sqlite>,
    durable: bool,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
) -> Result<T, sqlx::Error> {
    sqlx::raw_sql(if durable { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" })
        .execute(&mut **connection)
        .await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let done = work(&mut transaction).await?;
    transaction.commit().await?;
    Ok(done)
}

/// Makes this process the only one that uses the depot.
fn own(path: &Path) -> Result<File, Error> {
    let mut beside = path.as_os_str().to_owned();
    beside.push("-owner");
    let refused = |source| Error::new(ErrorKind::Refused, OPEN, source);
    let file = File::options().create(true).append(true).open(beside).map_err(refused)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Error::new(ErrorKind::Refused, OPEN, "another process has this depot open"))
        }
        Err(TryLockError::Error(error)) => Err(refused(error)),
    }
}

impl Depot for SqliteDepot {
    fn sealed(&self) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        Box::pin(async {
            let note = sqlx::query_scalar::<_, Vec<u8>>("SELECT note FROM cloakroom_seal");
            let note = note.fetch_optional(&self.pool).await;
            note.map(|note| note.map(Bytes::from)).map_err(|error| failed("read the seal", error))
        })
    }

    fn left(&self, after: Option<u64>, limit: u32) -> BoxFuture<'_, Result<Vec<(u64, Bytes)>, Error>> {
        Box::pin(async move {
            let rows = sqlx::query(
                "SELECT number, record FROM cloakroom_records WHERE number > ? ORDER BY number LIMIT ?",
            )
            .bind(after.map_or(-1, sql))
            .bind(limit)
            .fetch_all(&self.pool)
            .await;
            let read = rows.and_then(|rows| rows.iter().map(record).collect());
            read.map_err(|error| failed("read records", error))
        })
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.write("begin", true, async |connection| {
            sqlx::raw_sql(BEGIN).execute(connection).await.map(|_| ())
        }))
    }

    fn put(&self, parcels: Vec<(u64, Bytes)>) -> BoxFuture<'_, Result<(), Error>> {
        const PUT: &str = "INSERT OR REPLACE INTO cloakroom_parcels (number, content) VALUES (?, ?)";
        Box::pin(
            self.write("passivate", false, async move |connection| insert(connection, PUT, parcels).await),
        )
    }

    fn get(&self, parcel: u64) -> BoxFuture<'_, Result<Option<Bytes>, Error>> {
        Box::pin(async move {
            const GET: &str = "SELECT content FROM cloakroom_parcels WHERE number = ?";
            let content = sqlx::query_scalar::<_, Vec<u8>>(GET).bind(sql(parcel));
            let content = content.fetch_optional(&self.pool).await;
            content.map(|content| content.map(Bytes::from)).map_err(|error| failed("activate", error))
        })
    }

    fn remove(&self, parcels: Vec<u64>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.write("remove parcels", false, async move |connection| {
            for parcel in parcels {
                let query = sqlx::query("DELETE FROM cloakroom_parcels WHERE number = ?").bind(sql(parcel));
                query.execute(&mut *connection).await?;
            }
            Ok(())
        }))
    }

    fn leave(&self, records: Vec<(u64, Bytes)>) -> BoxFuture<'_, Result<(), Error>> {
        const LEAVE: &str = "INSERT OR REPLACE INTO cloakroom_records (number, record) VALUES (?, ?)";
        Box::pin(
            self.write("leave records", false, async move |connection| {
                insert(connection, LEAVE, records).await
            }),
        )
    }

    fn seal(&self, note: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.write("seal", true, async move |connection| {
            let query = sqlx::query("INSERT OR REPLACE INTO cloakroom_seal (id, note) VALUES (1, ?)");
            query.bind(&note[..]).execute(connection).await.map(|_| ())
        }))
    }
}

async fn insert(
    connection: &mut SqliteConnection,
    statement: &'static str,
    rows: Vec<(u64, Bytes)>,
) -> Result<(), sqlx::Error> {
    for (number, bytes) in rows {
        sqlx::query(statement).bind(sql(number)).bind(&bytes[..]).execute(&mut *connection).await?;
    }
    Ok(())
}

fn record(row: &SqliteRow) -> Result<(u64, Bytes), sqlx::Error> {
    let number: i64 = row.try_get(0)?;
    let bytes: Vec<u8> = row.try_get(1)?;
    Ok((u64::try_from(number).unwrap_or_default(), bytes.into()))
}

/// Returns a number as SQL holds it. A store that counts from one never comes to the largest.
fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
