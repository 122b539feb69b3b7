use servers::{Redis, RedisCluster, RedisSentinel};

use super::{Backend, Proxy};

/// A busy machine must not look like a dead server.
const PATIENT_MS: u32 = 60_000;

/// A store's servers with a proxy before each, so that they can fail for one site alone.
#[derive(Debug)]
pub(crate) struct Upstream {
    url: String,
    proxies: Vec<Proxy>,
    _servers: Servers,
}

/// What must live as long as the proxies.
#[derive(Debug)]
enum Servers {
    Shared,
    Sentinel(#[expect(dead_code, reason = "kept for its drop")] RedisSentinel),
    Cluster(#[expect(dead_code, reason = "kept for its drop")] RedisCluster),
}

impl Upstream {
    /// Starts proxies before the servers that all tests share; where servers tell clients of one another, before servers
    /// of its own, which tell of the proxies.
    pub(crate) async fn of(backend: Backend) -> Self {
        match backend {
            Backend::RedisSentinel => Self::sentinel(backend).await,
            Backend::RedisCluster => Self::cluster(backend).await,
            _ => Self::shared(backend).await,
        }
    }

    /// Returns the URL that leads to the servers through the proxies.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn proxies(&self) -> &[Proxy] {
        &self.proxies
    }

    async fn shared(backend: Backend) -> Self {
        let url = backend.server();
        let proxy = Proxy::start(backend.protocol(), port(&url)).await;
        Self { url: proxy.url(&url), proxies: vec![proxy], _servers: Servers::Shared }
    }

    async fn sentinel(backend: Backend) -> Self {
        let proxies = before_nobody::<2>(backend).await;
        let announced = proxies.each_ref().map(Proxy::port);
        let options = RedisSentinel::options().down_after_ms(PATIENT_MS).announce(announced);
        let servers = options.start_behind(|ports| forward(&proxies, ports)).unwrap();
        Self { url: servers.url(), proxies: proxies.into(), _servers: Servers::Sentinel(servers) }
    }

    async fn cluster(backend: Backend) -> Self {
        let proxies = before_nobody::<3>(backend).await;
        let announced = proxies.each_ref().map(|proxy| Some(proxy.port()));
        let mut servers = RedisCluster::start_announcing(&Redis::options(), PATIENT_MS, announced).unwrap();
        forward(&proxies, servers.nodes().iter().map(Redis::port));
        Self { url: servers.url(), proxies: proxies.into(), _servers: Servers::Cluster(servers) }
    }
}

async fn before_nobody<const N: usize>(backend: Backend) -> [Proxy; N] {
    let proxies = (0..N).map(|_| Proxy::before_nobody(backend.protocol()));
    futures_util::future::join_all(proxies).await.try_into().unwrap()
}

fn forward(proxies: &[Proxy], ports: impl IntoIterator<Item = u16>) {
    proxies.iter().zip(ports).for_each(|(proxy, port)| proxy.forward_to(port));
}

/// Returns the port of a URL that names one server.
pub(crate) fn port(url: &str) -> u16 {
    let host = url.split("://").nth(1).unwrap().split(['/', '?']).next().unwrap();
    host.rsplit_once(':').unwrap().1.parse().unwrap()
}
