use super::site::LOG;
use super::upstream::port;
use super::{Proxy, Server, Site};

/// One more server of a site, with a proxy of its own before the store.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) server: Server,
    pub(crate) proxy: Proxy,
}

impl Node {
    /// Starts one, and waits until it is connected to the store.
    pub(crate) async fn of(site: &Site) -> Self {
        Self::with(site, &[]).await
    }

    /// Starts one that has these options beside those of the site.
    pub(crate) async fn with(site: &Site, options: &[&str]) -> Self {
        let backend = site.backend();
        let proxy = Proxy::start(backend.protocol(), port(&backend.server())).await;
        let store = proxy.url(site.store());
        let server = site.one_more(&store, options, &[("RUST_LOG", LOG)]).await;
        Self { server, proxy }
    }
}
