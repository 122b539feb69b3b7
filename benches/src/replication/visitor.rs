use std::net::SocketAddr;

use crate::case::Size;
use crate::http::{Answer, Connection, head, with_body};
use benches::Result;

/// The attribute that changes.
const COUNT: &str = "/attributes/count";
/// One that does not.
const SMALL: &str = "/attributes/a0001";

/// Somebody who has a session, and comes back to the same node most of the time.
#[derive(Debug)]
pub(super) struct Visitor {
    cookies: Vec<String>,
    pub(super) home: usize,
    size: Size,
    requests: u64,
    changes: u64,
}

impl Visitor {
    /// Has a session filled.
    pub(super) async fn arrive(home: usize, size: Size, nodes: &mut Nodes) -> Result<Self> {
        let path = format!("/fill?attributes={}&bytes={}", size.attributes, size.bytes);
        let answer = nodes.ask(home, head("POST", &path, &[]), 204).await?;
        Ok(Self { cookies: answer.set_cookies, home, size, requests: 0, changes: 0 })
    }

    /// Sends the next of its requests: of ten two change an attribute, and seven read one at home and one elsewhere.
    pub(super) async fn come(&mut self, nodes: &mut Nodes) -> Result<()> {
        self.requests += 1;
        match self.requests % 10 {
            0 | 5 => self.change(nodes).await,
            7 => self.read(self.home + 1, nodes).await,
            _ => self.read(self.home, nodes).await,
        }
    }

    async fn read(&self, node: usize, nodes: &mut Nodes) -> Result<()> {
        nodes.ask(node, head("GET", SMALL, &self.cookies), 200).await?;
        let is_whole = nodes.body().len() as u64 == self.size.bytes + 2;
        if is_whole { Ok(()) } else { Err("an attribute is not what was stored".into()) }
    }

    async fn change(&mut self, nodes: &mut Nodes) -> Result<()> {
        self.changes += 1;
        let request = with_body("PUT", COUNT, &self.cookies, &self.changes.to_string());
        nodes.ask(self.home, request, 204).await.map(drop)
    }

    /// Checks that nothing was lost.
    pub(super) async fn verify(&self, nodes: &mut Nodes) -> Result<()> {
        if self.changes == 0 {
            return Ok(());
        }
        nodes.ask(self.home, head("GET", COUNT, &self.cookies), 200).await?;
        let count: u64 = serde_json::from_slice(nodes.body())?;
        if count == self.changes {
            return Ok(());
        }
        Err(format!("after {} changes a session holds {count}", self.changes).into())
    }
}

/// A connection to each node.
#[derive(Debug)]
pub(super) struct Nodes {
    connections: Vec<Connection>,
    body: Vec<u8>,
}

impl Nodes {
    pub(super) async fn connect(addresses: &[SocketAddr]) -> Result<Self> {
        let mut connections = Vec::new();
        for address in addresses {
            connections.push(Connection::open(*address).await?);
        }
        Ok(Self { connections, body: Vec::new() })
    }

    async fn ask(&mut self, node: usize, request: String, status: u16) -> Result<Answer> {
        let node = node % self.connections.len();
        let connection = &mut self.connections[node];
        let answer = connection.ask(request.as_bytes()).await?;
        self.body.clear();
        self.body.extend_from_slice(connection.body(&answer));
        if answer.status == status {
            return Ok(answer);
        }
        let (line, body) = (request.lines().next().unwrap_or_default(), String::from_utf8_lossy(&self.body));
        Err(format!("{line}: {} and not {status}: {body}", answer.status).into())
    }

    fn body(&self) -> &[u8] {
        &self.body
    }
}
