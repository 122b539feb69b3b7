use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::figures::Round;
use super::node::Node;
use super::store::Store;
use super::visitor::{Nodes, Visitor};
use super::way::Way;
use crate::case::Size;
use crate::processes::{cpu_nanos, resident_kib};
use benches::Result;

/// How many keep-alive clients ask at a time.
pub(super) const CLIENTS: usize = 32;
/// Of each client, so that the sessions are [`SESSIONS`].
const VISITORS: usize = 256;
pub(super) const SESSIONS: usize = CLIENTS * VISITORS;
const SIZE: Size = Size::KB_3;
/// What is on its way between nodes arrives meanwhile.
const SETTLING: Duration = Duration::from_secs(2);
/// So long nothing that matters goes between nodes and store once all has arrived.
const QUIET: Duration = Duration::from_millis(500);
/// What goes between them all the same, within that time: signs of life.
const HUM: u64 = 20_000;
const WARM_UP: Duration = Duration::from_millis(500);

/// Who asks from one connection to each node.
struct Client {
    visitors: Vec<Visitor>,
    nodes: Nodes,
}

/// What was taken so far by all nodes and the store.
#[derive(Clone, Copy)]
struct Taken {
    node_nanos: u64,
    store_nanos: u64,
}

/// What one client has seen.
#[derive(Default)]
struct Asked {
    /// How long each answer took that came while it was measured.
    nanos: Vec<u64>,
    /// How many answers there were, before and after that too.
    requests: u64,
}

/// Has so many nodes answer as fast as they can, for so long.
pub(super) async fn round(
    way: Way,
    count: usize,
    program: &Path,
    store: &Store,
    duration: Duration,
) -> Result<Round> {
    let url = store.url();
    let store_idle = resident_kib(store.pid())?;
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(Node::start(program, way, &url).await?);
    }
    let clients = arrive(&nodes).await?;
    sleep(SETTLING).await;
    let store_growth = resident_kib(store.pid())?.saturating_sub(store_idle);
    let from = Instant::now() + WARM_UP;
    let to = from + duration;
    let bytes_before = bytes(&nodes);
    let mut asking: JoinSet<Result<Asked>> =
        clients.into_iter().map(|client| ask(client, from, to)).collect();
    sleep_until(from).await;
    let before = taken(&nodes, store)?;
    sleep_until(to).await;
    let after = taken(&nodes, store)?;
    let mut all = Asked::default();
    while let Some(asked) = asking.join_next().await {
        let asked = asked??;
        all.nanos.extend(asked.nanos);
        all.requests += asked.requests;
    }
    let bytes = settled(&nodes).await - bytes_before;
    let growth = nodes.iter().map(Node::growth_kib).sum::<Result<u64>>()?;
    let mut round = summary(all.nanos, duration, [before, after]);
    round.bytes = bytes as f64 / all.requests as f64;
    round.node_bytes_per_session = growth as f64 * 1024.0 / count as f64 / SESSIONS as f64;
    round.store_bytes_per_session = store_growth as f64 * 1024.0 / SESSIONS as f64;
    Ok(round)
}

/// Makes the sessions, spread over the nodes.
async fn arrive(nodes: &[Node]) -> Result<Vec<Client>> {
    let addresses: Vec<SocketAddr> = nodes.iter().map(|node| node.address).collect();
    let mut arriving: JoinSet<Result<Client>> =
        (0..CLIENTS).map(|number| client(number, addresses.clone())).collect();
    let mut clients = Vec::new();
    while let Some(client) = arriving.join_next().await {
        clients.push(client??);
    }
    Ok(clients)
}

async fn client(number: usize, addresses: Vec<SocketAddr>) -> Result<Client> {
    let mut nodes = Nodes::connect(&addresses).await?;
    let mut visitors = Vec::new();
    for visitor in 0..VISITORS {
        visitors.push(Visitor::arrive((number + visitor) % addresses.len(), SIZE, &mut nodes).await?);
    }
    Ok(Client { visitors, nodes })
}

/// Returns how many bytes went between nodes and store, once all that is on its way has arrived.
async fn settled(nodes: &[Node]) -> u64 {
    loop {
        let before = bytes(nodes);
        sleep(QUIET).await;
        let now = bytes(nodes);
        if now - before < HUM * nodes.len() as u64 {
            return now;
        }
    }
}

fn bytes(nodes: &[Node]) -> u64 {
    nodes.iter().map(Node::bytes).sum()
}

/// Asks until the end. Answers that come between `from` and `to` are measured.
async fn ask(mut client: Client, from: Instant, to: Instant) -> Result<Asked> {
    let mut asked = Asked::default();
    let mut began = Instant::now();
    while began < to {
        let index = asked.requests as usize % client.visitors.len();
        client.visitors[index].come(&mut client.nodes).await?;
        asked.requests += 1;
        let now = Instant::now();
        if (from..to).contains(&now) {
            asked.nanos.push((now - began).as_nanos() as u64);
        }
        began = now;
    }
    for visitor in &client.visitors {
        visitor.verify(&mut client.nodes).await?;
        asked.requests += 1;
    }
    Ok(asked)
}

fn taken(nodes: &[Node], store: &Store) -> Result<Taken> {
    Ok(Taken {
        node_nanos: nodes.iter().map(|node| cpu_nanos(node.pid())).sum::<Result<u64>>()?,
        store_nanos: cpu_nanos(store.pid())?,
    })
}

fn summary(mut nanos: Vec<u64>, duration: Duration, [before, after]: [Taken; 2]) -> Round {
    nanos.sort_unstable();
    let count = nanos.len() as f64;
    let at =
        |share: f64| nanos.get((count * share) as usize).map_or(f64::NAN, |nanos| *nanos as f64 / 1_000.0);
    Round {
        requests_per_second: count / duration.as_secs_f64(),
        p50_micros: at(0.5),
        p99_micros: at(0.99),
        node_cpu_micros: (after.node_nanos - before.node_nanos) as f64 / 1_000.0 / count,
        store_cpu_micros: (after.store_nanos - before.store_nanos) as f64 / 1_000.0 / count,
        bytes: 0.0,
        node_bytes_per_session: 0.0,
        store_bytes_per_session: 0.0,
    }
}
