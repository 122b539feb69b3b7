use std::path::Path;

use tempfile::TempDir;

use super::{Backend, Proxy, Server, Upstream};

/// What servers log unless they are told otherwise.
pub(super) const LOG: &str = "info,cloakroom=debug";

/// One application on as many servers as its store allows, with a folder of its own.
#[derive(Debug)]
pub(crate) struct Site {
    servers: Vec<Server>,
    backend: Backend,
    store: String,
    options: Vec<String>,
    folder: TempDir,
    upstream: Option<Upstream>,
}

impl Site {
    /// Starts a site whose servers all have these options.
    pub(crate) async fn start(backend: Backend, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = backend.url(folder.path());
        Self::start_with(backend, store, folder, options).await
    }

    /// Starts a site whose store can be made to fail: see [`Outage`](super::Outage).
    pub(crate) async fn start_breakable(backend: Backend, options: &[&str]) -> Self {
        if !backend.has_server() {
            return Self::start(backend, options).await;
        }
        let upstream = Upstream::of(backend).await;
        let mut site = Self::start_on(backend, upstream.url(), options).await;
        site.upstream = Some(upstream);
        site
    }

    /// Starts a site on the server of this URL, where its sessions have a namespace of their own.
    pub(crate) async fn start_on(backend: Backend, server: &str, options: &[&str]) -> Self {
        let store = backend.url_on(server);
        Self::start_with(backend, store, tempfile::tempdir().unwrap(), options).await
    }

    /// Makes a site that has no servers, for nodes in this process.
    pub(crate) fn bare(backend: Backend) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = backend.url(folder.path());
        Self::without_servers(backend, store, folder, &[])
    }

    /// Makes a site that has no servers, and whose store can be made to fail.
    pub(crate) async fn bare_breakable(backend: Backend) -> Self {
        if !backend.has_server() {
            return Self::bare(backend);
        }
        let upstream = Upstream::of(backend).await;
        let store = backend.url_on(upstream.url());
        let mut site = Self::without_servers(backend, store, tempfile::tempdir().unwrap(), &[]);
        site.upstream = Some(upstream);
        site
    }

    fn without_servers(backend: Backend, store: String, folder: TempDir, options: &[&str]) -> Self {
        let options = backend.options().iter().chain(options).map(|&option| option.to_owned()).collect();
        Self { servers: Vec::new(), backend, store, options, folder, upstream: None }
    }

    async fn start_with(backend: Backend, store: String, folder: TempDir, options: &[&str]) -> Self {
        let mut site = Self::without_servers(backend, store, folder, options);
        for _ in 0..backend.nodes() {
            site.servers.push(site.another().await);
        }
        site
    }

    /// Starts one more server of this site.
    pub(crate) async fn another(&self) -> Server {
        self.another_logging(LOG).await
    }

    /// Starts one more server of this site, which has these options beside those of the site.
    pub(crate) async fn another_with(&self, options: &[&str]) -> Server {
        self.one_more(&self.store, options, &[("RUST_LOG", LOG)]).await
    }

    /// Starts one more server of this site, which logs as this `RUST_LOG` says.
    pub(crate) async fn another_logging(&self, filter: &str) -> Server {
        self.another_within(&self.store, &[("RUST_LOG", filter)]).await
    }

    /// Starts one more server of this site, which finds the store at this URL and has these environment variables.
    pub(crate) async fn another_within(&self, store: &str, environment: &[(&str, &str)]) -> Server {
        self.one_more(store, &[], environment).await
    }

    /// Starts one more server, which has all of that.
    pub(super) async fn one_more(
        &self,
        store: &str,
        options: &[&str],
        environment: &[(&str, &str)],
    ) -> Server {
        let mut all: Vec<&str> = vec!["--store", store];
        all.extend(self.options.iter().map(String::as_str));
        all.extend(options);
        Server::start_within(&all, environment).await
    }

    /// Returns the first server.
    pub(crate) fn a(&self) -> &Server {
        &self.servers[0]
    }

    /// Returns the second server; where the store allows but one, that one.
    pub(crate) fn b(&self) -> &Server {
        &self.servers[self.servers.len() - 1]
    }

    /// Returns all servers.
    pub(crate) fn nodes(&self) -> &[Server] {
        &self.servers
    }

    /// Returns one of the servers, each in turn.
    pub(crate) fn node(&self, number: usize) -> &Server {
        &self.servers[number % self.servers.len()]
    }

    /// Stops every server, and starts as many anew.
    pub(crate) async fn restart(&mut self) {
        for server in self.servers.drain(..) {
            server.stop().await;
        }
        for _ in 0..self.backend.nodes() {
            let server = self.another().await;
            self.servers.push(server);
        }
    }

    /// Returns which store it has.
    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    /// Returns the `--store` of its servers.
    pub(crate) fn store(&self) -> &str {
        &self.store
    }

    /// Returns the proxies before the store of a site that is breakable.
    pub(crate) fn proxies(&self) -> &[Proxy] {
        self.upstream.as_ref().map_or(&[], Upstream::proxies)
    }

    /// Returns the site's own folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}
