//! Counts what goes between a subject and its store.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::backend::Backend;
use crate::case::Case;
use crate::client::Client;
use crate::program::Programs;
use crate::server::Server;
use benches::Result;

const WARM_UP: u64 = 20;
const REQUESTS: u64 = 100;

/// What went between for one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic {
    pub(crate) bytes_to: f64,
    pub(crate) bytes_from: f64,
    pub(crate) round_trips: f64,
}

/// Runs a case with one connection, and counts what goes to its store and comes back.
pub(crate) async fn count(case: &Case, programs: &Programs, backend: &mut Backend) -> Result<Traffic> {
    let (proxy, url) = Proxy::before(&backend.fresh()?).await?;
    let server = Server::start(programs.of(case)?, case, &url)?;
    let mut client = Client::connect(case, server.address).await?;
    for _ in 0..WARM_UP {
        client.exchange().await?;
    }
    let before = proxy.counts.all();
    for _ in 0..REQUESTS {
        client.exchange().await?;
    }
    let after = proxy.counts.all();
    client.verify().await?;
    server.end()?;
    let [bytes_to, bytes_from, round_trips] =
        [0, 1, 2].map(|index| (after[index] - before[index]) as f64 / REQUESTS as f64);
    Ok(Traffic { bytes_to, bytes_from, round_trips })
}

#[derive(Debug, Default)]
struct Counts {
    to: AtomicU64,
    from: AtomicU64,
    turns: AtomicU64,
}

/// Stands between a server and its store.
#[derive(Debug)]
pub(crate) struct Proxy {
    counts: Arc<Counts>,
    accepting: AbortHandle,
}

impl Proxy {
    /// Starts a proxy before a store, and returns the store's URL through it.
    pub(crate) async fn before(url: &str) -> Result<(Self, String)> {
        let (before, rest) = url.split_once("127.0.0.1:").ok_or("a URL without the local address")?;
        let (port, path) = rest.split_once('/').map_or((rest, None), |(port, path)| (port, Some(path)));
        let store: SocketAddr = format!("127.0.0.1:{port}").parse()?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let through = format!("{before}{}", listener.local_addr()?);
        let counts = Arc::new(Counts::default());
        let accepting = tokio::spawn(accept(listener, store, Arc::clone(&counts))).abort_handle();
        Ok((Self { counts, accepting }, path.map_or(through.clone(), |path| format!("{through}/{path}"))))
    }
}

impl Proxy {
    /// Returns how many bytes have gone through so far, in either direction.
    pub(crate) fn bytes(&self) -> u64 {
        let [to, from, _] = self.counts.all();
        to + from
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Counts {
    fn all(&self) -> [u64; 3] {
        [&self.to, &self.from, &self.turns].map(|count| count.load(Ordering::Relaxed))
    }
}

async fn accept(listener: TcpListener, store: SocketAddr, counts: Arc<Counts>) {
    while let Ok((near, _)) = listener.accept().await {
        let Ok(far) = TcpStream::connect(store).await else { return };
        let _ = (near.set_nodelay(true), far.set_nodelay(true));
        let (near_in, near_out) = near.into_split();
        let (far_in, far_out) = far.into_split();
        let was_answered = Arc::new(AtomicBool::new(true));
        tokio::spawn(forward(near_in, far_out, Arc::clone(&counts), Arc::clone(&was_answered), true));
        tokio::spawn(forward(far_in, near_out, Arc::clone(&counts), was_answered, false));
    }
}

/// Hands on what comes, until that ends. What goes to the store after an answer of its is a new round trip.
async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    counts: Arc<Counts>,
    was_answered: Arc<AtomicBool>,
    is_request: bool,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let count = if is_request { &counts.to } else { &counts.from };
        count.fetch_add(length as u64, Ordering::Relaxed);
        if was_answered.swap(!is_request, Ordering::Relaxed) && is_request {
            counts.turns.fetch_add(1, Ordering::Relaxed);
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
