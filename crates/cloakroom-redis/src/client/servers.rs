use redis::RedisResult;

use super::{Client, Link, misconfigured};

/// A server that runs scripts.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) link: Link,
    /// Where it is, as the cluster names it.
    #[cfg(feature = "cluster")]
    address: Option<super::cluster::Address>,
}

impl Server {
    fn alone(link: Link) -> Self {
        Self {
            link,
            #[cfg(feature = "cluster")]
            address: None,
        }
    }
}

impl Client {
    /// Returns whether this client can open connections to listen on.
    pub(crate) fn can_listen(&self) -> bool {
        match self {
            Self::Link(_) => true,
            #[cfg(feature = "cluster")]
            Self::Cluster(_) => true,
            _ => false,
        }
    }

    /// Returns the servers that run scripts: one, or the primaries of a cluster.
    pub(crate) async fn servers(&self) -> RedisResult<Vec<Server>> {
        match self {
            Self::Link(link) => Ok(vec![Server::alone(link.clone())]),
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => {
                let named = cluster.named_primaries().await?;
                Ok(named.into_iter().map(|(at, link)| Server { link, address: Some(at) }).collect())
            }
            _ => Err(misconfigured("the store was given a connection, and opens none to listen on")),
        }
    }

    /// Asks the servers of a cluster whether they still are its primaries.
    pub(crate) async fn are_still(&self, servers: &[Server]) -> RedisResult<bool> {
        match self {
            #[cfg(feature = "cluster")]
            Self::Cluster(cluster) => {
                let known =
                    servers.iter().filter_map(|server| Some((server.address.as_ref()?, &server.link)));
                cluster.are_primaries(&known.collect::<Vec<_>>()).await
            }
            _ => Ok(!servers.is_empty()),
        }
    }
}
