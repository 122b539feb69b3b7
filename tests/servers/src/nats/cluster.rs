use super::standalone::Nats;
use crate::wait::until;
use crate::{Error, Port};

/// Three NATS servers with JetStream that keep the same streams.
#[derive(Debug)]
pub struct NatsCluster {
    nodes: Vec<Nats>,
    /// Where they talk to each other.
    _routes: Vec<Port>,
}

impl NatsCluster {
    /// Starts the servers, and waits until they have chosen a leader.
    ///
    /// # Errors
    ///
    /// When one does not start.
    pub fn start() -> Result<Self, Error> {
        let routes = [Port::claim()?, Port::claim()?, Port::claim()?];
        let urls = routes.each_ref().map(|port| format!("nats://127.0.0.1:{}", port.number()));
        let all = urls.join(",");
        let mut nodes = Vec::new();
        for (number, url) in urls.iter().enumerate() {
            let arguments = ["--cluster_name", "cloakroom", "--cluster", url, "--routes", &all];
            nodes.push(Nats::options().begin(Port::claim()?, &format!("node{number}"), &arguments)?);
        }
        let cluster = Self { nodes, _routes: routes.into() };
        cluster.ready()?;
        Ok(cluster)
    }

    /// Returns the URLs of all servers, separated by commas.
    #[must_use]
    pub fn url(&self) -> String {
        self.nodes.iter().map(Nats::url).collect::<Vec<_>>().join(",")
    }

    /// Returns the servers.
    #[must_use]
    pub fn nodes(&self) -> &[Nats] {
        &self.nodes
    }

    /// Returns the servers, to kill one.
    pub fn nodes_mut(&mut self) -> &mut [Nats] {
        &mut self.nodes
    }

    fn ready(&self) -> Result<(), Error> {
        for node in &self.nodes {
            until("NATS has a leader", node.process(), || super::request::is_up(node.port()))?;
        }
        Ok(())
    }
}
