use redis::{IntoConnectionInfo as _, RedisResult};

use super::url::{ListUrl, Target};
use super::{Client, Link, Open};

impl Client {
    /// Makes a client of a URL. Nothing is connected yet.
    pub(crate) fn of_url(url: &str) -> RedisResult<Self> {
        match Target::of(url)? {
            Target::Server(url) => {
                let info = url.into_connection_info()?;
                Ok(Link::new(Open::server(redis::Client::open(info)?)).into())
            }
            Target::Sentinel(list) => sentinel(&list),
            Target::Cluster(list) => cluster(&list),
        }
    }
}

#[cfg(feature = "sentinel")]
fn sentinel(list: &ListUrl<'_>) -> RedisResult<Client> {
    use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
    use redis::{ConnectionAddr, TlsMode};

    let mut path = list.path();
    let in_query = list.parameter("service")?;
    let name = in_query.or_else(|| path.next().map(Into::into));
    let name = name.ok_or_else(|| {
        super::misconfigured("the URL names no primary: expected `/name`, or `?service=name`")
    })?;
    let servers = list.servers(path.next().unwrap_or_default())?;
    let settings = servers[0].redis_settings().clone();
    let addresses = servers.iter().map(|info| info.addr().clone());
    let mut builder = SentinelClientBuilder::new(addresses, name, SentinelServerType::Master)?;
    builder = builder.set_client_to_redis_db(settings.db()).set_client_to_redis_protocol(settings.protocol());
    if let ConnectionAddr::TcpTls { insecure, .. } = servers[0].addr() {
        let mode = if *insecure { TlsMode::Insecure } else { TlsMode::Secure };
        builder = builder.set_client_to_redis_tls_mode(mode).set_client_to_sentinel_tls_mode(mode);
    }
    if let Some(user) = settings.username() {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = settings.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(user) = list.parameter("sentinel_username")? {
        builder = builder.set_client_to_sentinel_username(user);
    }
    if let Some(password) = list.parameter("sentinel_password")? {
        builder = builder.set_client_to_sentinel_password(password);
    }
    Ok(Link::new(Open::sentinel(builder.build()?)).into())
}

#[cfg(not(feature = "sentinel"))]
fn sentinel(_: &ListUrl<'_>) -> RedisResult<Client> {
    Err(super::misconfigured("this URL needs the feature `sentinel`"))
}

#[cfg(feature = "cluster")]
fn cluster(list: &ListUrl<'_>) -> RedisResult<Client> {
    Ok(Client::Cluster(super::cluster::Cluster::new(list.servers("")?)))
}

#[cfg(not(feature = "cluster"))]
fn cluster(_: &ListUrl<'_>) -> RedisResult<Client> {
    Err(super::misconfigured("this URL needs the feature `cluster`"))
}
