use std::path::Path;

use tempfile::TempDir;

use super::{Backend, Server};

/// One application on as many servers as its store allows, with a folder of its own.
#[derive(Debug)]
pub(crate) struct Site {
    servers: Vec<Server>,
    backend: Backend,
    options: Vec<String>,
    folder: TempDir,
}

impl Site {
    /// Starts a site whose servers all have these options.
    pub(crate) async fn start(backend: Backend, options: &[&str]) -> Self {
        let mut site = Self {
            servers: Vec::new(),
            backend,
            options: options.iter().map(|&option| option.to_owned()).collect(),
            folder: tempfile::tempdir().unwrap(),
        };
        for _ in 0..backend.nodes() {
            site.servers.push(site.another().await);
        }
        site
    }

    /// Starts one more server of this site.
    pub(crate) async fn another(&self) -> Server {
        self.another_logging("info,cloakroom=debug").await
    }

    /// Starts one more server of this site, which logs as this `RUST_LOG` says.
    pub(crate) async fn another_logging(&self, filter: &str) -> Server {
        let url = self.backend.url(self.folder.path());
        let mut options: Vec<&str> = vec!["--store", &url];
        options.extend(self.options.iter().map(String::as_str));
        Server::start_logging(&options, filter).await
    }

    /// Returns the first server.
    pub(crate) fn a(&self) -> &Server {
        &self.servers[0]
    }

    /// Returns the second server; where the store allows but one, that one.
    pub(crate) fn b(&self) -> &Server {
        &self.servers[self.servers.len() - 1]
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

    /// Returns the site's own folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}
