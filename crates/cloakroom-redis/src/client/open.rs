use std::fmt;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
#[cfg(feature = "sentinel")]
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, RedisError, RedisResult};
#[cfg(feature = "sentinel")]
use tokio::sync::Mutex;

/// How long an attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The same where sentinels are asked first, of whom some may be away.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// How many commands may wait to be written to a connection.
const QUEUE: usize = 1000;

/// How a connection is opened, each time anew.
pub(crate) enum Open {
    /// To this server.
    Server(Box<redis::Client>),
    /// To whichever server the sentinels say is the primary.
    #[cfg(feature = "sentinel")]
    Sentinel(Box<Mutex<SentinelClient>>),
}

impl Open {
    pub(crate) fn server(client: redis::Client) -> Self {
        Self::Server(Box::new(client))
    }

    #[cfg(feature = "sentinel")]
    pub(crate) fn sentinel(client: SentinelClient) -> Self {
        Self::Sentinel(Box::new(Mutex::new(client)))
    }

    pub(super) async fn open(&self) -> RedisResult<MultiplexedConnection> {
        match tokio::time::timeout(RESOLVE_TIMEOUT, self.attempt()).await {
            Ok(result) => result,
            Err(elapsed) => Err(RedisError::from(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed))),
        }
    }

    async fn attempt(&self) -> RedisResult<MultiplexedConnection> {
        match self {
            Self::Server(client) => connect(client).await,
            #[cfg(feature = "sentinel")]
            Self::Sentinel(sentinel) => {
                let primary = sentinel.lock().await.async_get_client().await?;
                connect(&primary).await
            }
        }
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server(_) => "Server",
            #[cfg(feature = "sentinel")]
            Self::Sentinel(_) => "Sentinel",
        })
    }
}

/// Connects, without a limit on the time of an answer: the caller of an operation sets that.
async fn connect(client: &redis::Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(QUEUE);
    client.get_multiplexed_async_connection_with_config(&config).await
}
