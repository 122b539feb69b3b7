use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

const PING: u8 = 0x0e;
const PREPARE: u8 = 0x16;
const CLOSE_STATEMENT: u8 = 0x19;
const QUIT: u8 = 0x01;

/// Stands between a node and the server: counts what goes through, and can cut it off or hold it back.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    server: (String, u16),
    counts: Counts,
    is_holding: watch::Sender<bool>,
    /// From how many requests on the answers are held back.
    answered: watch::Sender<usize>,
    connections: Mutex<Vec<AbortHandle>>,
}

/// What has gone through.
#[derive(Default)]
struct Counts {
    /// Requests that a caller waits for; neither signs of life nor preparations.
    requests: AtomicUsize,
    prepared: AtomicUsize,
    sent: AtomicUsize,
    received: AtomicUsize,
}

/// How much an operation has sent and received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) requests: usize,
    pub(crate) prepared: usize,
    pub(crate) sent: usize,
    pub(crate) received: usize,
}

impl Proxy {
    pub(crate) async fn new(server: &MySqlConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: (server.get_host().to_owned(), server.get_port()),
            counts: Counts::default(),
            is_holding: watch::Sender::new(false),
            answered: watch::Sender::new(usize::MAX),
            connections: Mutex::default(),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared }
    }

    /// Returns how to connect through the proxy.
    pub(crate) fn through(&self, options: MySqlConnectOptions) -> MySqlConnectOptions {
        options.host("127.0.0.1").port(self.address.port()).ssl_mode(MySqlSslMode::Disabled)
    }

    /// Breaks all connections off.
    pub(crate) fn cut(&self) {
        for connection in self.shared.connections.lock().unwrap().drain(..) {
            connection.abort();
        }
    }

    /// Lets nothing through any more, and tells nobody.
    pub(crate) fn hold(&self) {
        self.shared.is_holding.send_replace(true);
    }

    /// Lets so many more requests be answered, and no further ones.
    pub(crate) fn hold_answers_after(&self, requests: usize) {
        self.shared.answered.send_replace(self.traffic().requests + requests);
    }

    pub(crate) fn let_go(&self) {
        self.shared.is_holding.send_replace(false);
        self.shared.answered.send_replace(usize::MAX);
    }

    pub(crate) fn traffic(&self) -> Traffic {
        let counts = &self.shared.counts;
        Traffic {
            requests: counts.requests.load(Ordering::SeqCst),
            prepared: counts.prepared.load(Ordering::SeqCst),
            sent: counts.sent.load(Ordering::SeqCst),
            received: counts.received.load(Ordering::SeqCst),
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((node, _)) = listener.accept().await {
        let task = tokio::spawn(connection(node, Arc::clone(&shared)));
        shared.connections.lock().unwrap().push(task.abort_handle());
    }
}

/// Ends both directions at once, whichever ends first.
async fn connection(node: TcpStream, shared: Arc<Shared>) {
    let Ok(server) = TcpStream::connect(&shared.server).await else { return };
    let _ = (node.set_nodelay(true), server.set_nodelay(true));
    let ((from_node, to_node), (from_server, to_server)) = (node.into_split(), server.into_split());
    tokio::select! {
        _ = requests(from_node, to_server, &shared) => {}
        _ = answers(from_server, to_node, &shared) => {}
    }
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared) -> Option<()> {
    loop {
        let mut packet = vec![0; 4];
        from.read_exact(&mut packet).await.ok()?;
        let length = usize::from(packet[0]) | usize::from(packet[1]) << 8 | usize::from(packet[2]) << 16;
        packet.resize(4 + length, 0);
        from.read_exact(&mut packet[4..]).await.ok()?;
        shared.counts.add(&packet);
        shared.pass().await;
        to.write_all(&packet).await.ok()?;
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared) -> Option<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = from.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
        shared.counts.received.fetch_add(length, Ordering::SeqCst);
        shared.pass().await;
        shared.answer().await;
        to.write_all(&buffer[..length]).await.ok()?;
    }
}

impl Shared {
    async fn pass(&self) {
        let _ = self.is_holding.subscribe().wait_for(|is_holding| !is_holding).await;
    }

    async fn answer(&self) {
        let is_answered = |answered: &usize| self.counts.requests.load(Ordering::SeqCst) <= *answered;
        let _ = self.answered.subscribe().wait_for(is_answered).await;
    }
}

impl Counts {
    /// Counts a packet; the first of a request has the number 0.
    fn add(&self, packet: &[u8]) {
        match (packet[3], packet.get(4)) {
            (0, Some(&(PING | QUIT | CLOSE_STATEMENT))) => return,
            (0, Some(&PREPARE)) => {
                self.prepared.fetch_add(1, Ordering::SeqCst);
            }
            (0, Some(_)) => {
                self.requests.fetch_add(1, Ordering::SeqCst);
            }
            _ => {}
        }
        self.sent.fetch_add(packet.len(), Ordering::SeqCst);
    }
}
