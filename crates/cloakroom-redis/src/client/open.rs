use std::fmt;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
#[cfg(feature = "sentinel")]
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, ProtocolVersion, PushInfo, RedisError, RedisResult};
#[cfg(feature = "sentinel")]
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedSender;

#[cfg(feature = "cluster")]
use super::cluster::Membership;

/// Where a connection puts what the server says without being asked.
pub(super) type Pushes = UnboundedSender<PushInfo>;

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
    /// To this server of a cluster.
    #[cfg(feature = "cluster")]
    Member(Box<redis::Client>, Membership),
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

    #[cfg(feature = "cluster")]
    pub(super) fn member(client: redis::Client, of: Membership) -> Self {
        Self::Member(Box::new(client), of)
    }

    /// Says that the server is silent, or cannot be reached.
    pub(super) fn lost(&self) {
        #[cfg(feature = "cluster")]
        if let Self::Member(_, of) = self {
            of.lost();
        }
    }

    pub(super) async fn open(&self) -> RedisResult<MultiplexedConnection> {
        match tokio::time::timeout(RESOLVE_TIMEOUT, self.attempt()).await {
            Ok(result) => result,
            Err(elapsed) => Err(late(elapsed)),
        }
    }

    /// Opens a connection on which the server also says what nobody has asked for.
    pub(super) async fn open_for_pushes(&self, pushes: Pushes) -> RedisResult<MultiplexedConnection> {
        let attempt = async {
            let client = self.client().await?;
            let info = client.get_connection_info();
            let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
            let client = redis::Client::open(info.clone().set_redis_settings(settings))?;
            client.get_multiplexed_async_connection_with_config(&config().set_push_sender(pushes)).await
        };
        tokio::time::timeout(RESOLVE_TIMEOUT, attempt).await.unwrap_or_else(|elapsed| Err(late(elapsed)))
    }

    async fn attempt(&self) -> RedisResult<MultiplexedConnection> {
        self.client().await?.get_multiplexed_async_connection_with_config(&config()).await
    }

    /// Returns how to connect to the server that takes writes now.
    async fn client(&self) -> RedisResult<redis::Client> {
        match self {
            Self::Server(client) => Ok((**client).clone()),
            #[cfg(feature = "cluster")]
            Self::Member(client, _) => Ok((**client).clone()),
            #[cfg(feature = "sentinel")]
            Self::Sentinel(sentinel) => sentinel.lock().await.async_get_client().await,
        }
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server(_) => "Server",
            #[cfg(feature = "cluster")]
            Self::Member(..) => "Member",
            #[cfg(feature = "sentinel")]
            Self::Sentinel(_) => "Sentinel",
        })
    }
}

fn late(elapsed: tokio::time::error::Elapsed) -> RedisError {
    std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed).into()
}

/// Returns how to connect: without a limit on the time of an answer, which the caller of an operation sets.
fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(QUEUE)
}
