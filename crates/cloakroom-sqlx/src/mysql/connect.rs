use std::io;
use std::time::Duration;

use cloakroom_core::Error;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{Connection as _, Executor as _, MySqlPool};
use tokio::time::timeout;

use super::error::failed;
use super::link::PATIENCE;
use super::step::LOCK_WAIT;

const CONNECT: &str = "connect";

/// How long an operation waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// From when on a connection that was idle is asked for a sign of life before it is used.
const IDLE: Duration = Duration::from_secs(30);

/// Returns the settings that the store wants of a pool.
pub(super) fn pool_options() -> MySqlPoolOptions {
    MySqlPoolOptions::new()
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for >= IDLE {
                    let answer = timeout(PATIENCE, connection.ping()).await;
                    answer.map_err(|_| sqlx::Error::Io(io::ErrorKind::TimedOut.into()))??;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move {
                let sql = format!("SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT}");
                connection.execute(sqlx::AssertSqlSafe(sql)).await.map(|_| ())
            })
        })
}

/// Opens a pool, and one connection, so that a wrong address is told at once.
pub(super) async fn pool(url: &str) -> Result<MySqlPool, Error> {
    let options = url.parse::<MySqlConnectOptions>().map_err(|error| failed(CONNECT, error))?;
    pool_options().connect_with(options).await.map_err(|error| failed(CONNECT, error))
}
