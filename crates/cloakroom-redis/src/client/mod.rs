//! The way to the server.

mod backoff;
#[cfg(feature = "cluster")]
mod cluster;
mod connect;
mod link;
mod open;
mod servers;
mod url;
mod wait;

use std::time::Duration;

use cloakroom_core::Error;
#[cfg(any(feature = "cluster", feature = "connection-manager"))]
use redis::aio::ConnectionLike as _;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError, RedisResult, Value};
#[cfg(feature = "cluster")]
use redis::{ErrorKind, ServerErrorKind};

use crate::error::failed;

pub(crate) use self::link::{Link, Subscription};
pub(crate) use self::open::Open;
pub(crate) use self::servers::Server;
pub use self::wait::Unacknowledged;
pub(crate) use self::wait::{Answer, Wait};

/// What a store sends its commands through.
#[derive(Clone)]
pub(crate) enum Client {
    /// A connection that the store looks after.
    Link(Link),
    /// Connections to a cluster that the store looks after.
    #[cfg(feature = "cluster")]
    Cluster(cluster::Cluster),
    /// A connection of the user's own.
    Connection(MultiplexedConnection),
    /// The same, which looks after itself.
    #[cfg(feature = "connection-manager")]
    Manager(redis::aio::ConnectionManager),
    /// The same, to a cluster.
    #[cfg(feature = "cluster")]
    ClusterConnection(redis::cluster_async::ClusterConnection),
}

impl Client {
    /// Returns whether all keys are on one server.
    pub(crate) fn is_one_server(&self) -> bool {
        match self {
            #[cfg(feature = "cluster")]
            Self::Cluster(_) | Self::ClusterConnection(_) => false,
            _ => true,
        }
    }

    /// Sends a command to where its key is, once.
    pub(crate) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        let value = match self {
            Self::Link(link) => link.send(command).await?,
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => Box::pin(cluster.send(command, None)).await?.value,
            Self::Connection(connection) => connection.clone().send_packed_command(command).await?,
            #[cfg(feature = "connection-manager")]
            Self::Manager(manager) => manager.clone().req_packed_command(command).await?,
            #[cfg(feature = "cluster")]
            Self::ClusterConnection(connection) => {
                return Box::pin(send_to_cluster(connection.clone(), command)).await;
            }
        };
        value.extract_error()
    }

    /// The same on a connection that nobody else uses, and waits until replicas have acknowledged it.
    pub(crate) async fn send_and_wait(&self, command: &Cmd, wait: Wait) -> RedisResult<Answer> {
        let Answer { value, missing } = match self {
            Self::Link(link) => link.send_and_wait(command, wait, None).await?,
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.send(command, Some(wait)).await?,
            _ => return Err(no_own_connections()),
        };
        Ok(Answer { value: value.extract_error()?, missing })
    }

    /// Returns what to wait for, if this client can.
    pub(crate) fn wait(&self, replicas: u32, timeout: Duration) -> Result<Wait, Error> {
        match self {
            Self::Link(_) => Ok(Wait::new(replicas, timeout)),
            #[cfg(feature = "cluster")]
            Self::Cluster(_) => Ok(Wait::new(replicas, timeout)),
            _ => Err(failed("wait for replicas", no_own_connections())),
        }
    }

    /// Returns what the servers tell of their memory, as far as they do.
    pub(crate) async fn memory_infos(&self) -> Vec<String> {
        let mut info = redis::cmd("INFO");
        info.arg("memory");
        let answers: Vec<Value> = match self {
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.send_to_all(&info).await,
            #[cfg(feature = "cluster")]
            Self::ClusterConnection(_) => Vec::new(),
            _ => self.send(&info).await.into_iter().collect(),
        };
        answers.into_iter().filter_map(|answer| redis::from_redis_value(answer).ok()).collect()
    }

    /// Asks for a sign of life.
    pub(crate) async fn ping(&self) -> RedisResult<()> {
        match self {
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => cluster.ping().await,
            _ => self.send(&redis::cmd("PING")).await.map(drop),
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Link(_) => "Link",
            #[cfg(feature = "cluster")]
            Self::Cluster(_) => "Cluster",
            Self::Connection(_) => "Connection",
            #[cfg(feature = "connection-manager")]
            Self::Manager(_) => "Manager",
            #[cfg(feature = "cluster")]
            Self::ClusterConnection(_) => "ClusterConnection",
        })
    }
}

impl From<Link> for Client {
    fn from(link: Link) -> Self {
        Self::Link(link)
    }
}

/// How often a command is sent again that a cluster has not run, and how long to wait before.
#[cfg(feature = "cluster")]
const ATTEMPTS: usize = 5;
#[cfg(feature = "cluster")]
const WAIT: Duration = Duration::from_millis(20);

/// Sends a command through the driver's own connection to a cluster. That learns from a redirection, but does not follow it
/// when it is told not to send commands again: then this does.
#[cfg(feature = "cluster")]
async fn send_to_cluster(
    mut connection: redis::cluster_async::ClusterConnection,
    command: &Cmd,
) -> RedisResult<Value> {
    let mut attempts = 1..ATTEMPTS;
    loop {
        let answer = connection.req_packed_command(command).await.and_then(Value::extract_error);
        let has_moved = |error: &RedisError| error.kind() == ErrorKind::Server(ServerErrorKind::Moved);
        if !answer.as_ref().is_err_and(has_moved) || attempts.next().is_none() {
            return answer;
        }
        tokio::time::sleep(WAIT).await;
    }
}

fn no_own_connections() -> RedisError {
    misconfigured("replicas can be waited for where the store opens its connections itself")
}

/// Returns the first key of a command.
fn key(command: &Cmd) -> RedisResult<&[u8]> {
    let argument = |index| match command.args_iter().nth(index) {
        Some(redis::Arg::Simple(bytes)) => Ok(bytes),
        _ => Err(misconfigured("a command without a key")),
    };
    match argument(0)? {
        b"EVALSHA" | b"EVAL" => argument(3),
        _ => argument(1),
    }
}

/// Makes an error of a URL, or another setting, that cannot work.
fn misconfigured(what: &'static str) -> RedisError {
    (redis::ErrorKind::InvalidClientConfig, what).into()
}
