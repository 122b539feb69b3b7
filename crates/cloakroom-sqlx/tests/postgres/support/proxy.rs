use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What a store asks for a sign of life, in a write of its own, before it uses a connection that has rested for a second.
const SIGN_OF_LIFE: &[u8] = b"S\0\0\0\x04";

/// Stands between a store and the server, counts what passes but for signs of life, and lets nothing pass when told so.
pub(crate) struct Proxy {
    port: u16,
    counts: Arc<Counts>,
    is_black_hole: watch::Sender<bool>,
}

#[derive(Default)]
struct Counts {
    to_server: AtomicU64,
    from_server: AtomicU64,
    round_trips: AtomicU64,
    connections: AtomicU64,
}

/// What has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) to_server: u64,
    pub(crate) from_server: u64,
    pub(crate) round_trips: u64,
    pub(crate) connections: u64,
}

impl Proxy {
    pub(crate) async fn to(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_black_hole, hole) = watch::channel(false);
        let counts = Arc::new(Counts::default());
        tokio::spawn(accept(listener, server_port, Arc::clone(&counts), hole));
        Self { port, counts, is_black_hole }
    }

    /// Returns the URL with this in place of the server.
    pub(crate) fn url(&self, url: &str) -> String {
        let (before, after) = url.rsplit_once(':').unwrap();
        let path = after.trim_start_matches(|it: char| it.is_ascii_digit());
        format!("{before}:{}{path}", self.port)
    }

    /// Makes everything disappear, on the connections that there are and on new ones; or no longer, on new ones.
    pub(crate) fn swallow(&self, everything: bool) {
        self.is_black_hole.send_replace(everything);
    }

    pub(crate) fn passed(&self) -> Passed {
        let get = |count: &AtomicU64| count.load(Ordering::SeqCst);
        Passed {
            to_server: get(&self.counts.to_server),
            from_server: get(&self.counts.from_server),
            round_trips: get(&self.counts.round_trips),
            connections: get(&self.counts.connections),
        }
    }

    /// Returns what passes while the operation is under way.
    pub(crate) async fn of<T>(&self, operation: impl Future<Output = T>) -> Passed {
        let before = self.passed();
        operation.await;
        let after = self.passed();
        Passed {
            to_server: after.to_server - before.to_server,
            from_server: after.from_server - before.from_server,
            round_trips: after.round_trips - before.round_trips,
            connections: after.connections - before.connections,
        }
    }
}

/// Returns the port in a URL.
pub(crate) fn port_of(url: &str) -> u16 {
    let after = url.rsplit_once(':').unwrap().1;
    after.split('/').next().unwrap().parse().unwrap()
}

async fn accept(listener: TcpListener, server: u16, counts: Arc<Counts>, hole: watch::Receiver<bool>) {
    let lost = Mutex::new(Vec::new());
    while let Ok((client, _)) = listener.accept().await {
        if *hole.borrow() {
            lost.lock().unwrap().push(client);
            continue;
        }
        counts.connections.fetch_add(1, Ordering::SeqCst);
        let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let asking = Arc::new(Asking { counts: Arc::clone(&counts), asked: Mutex::default() });
        let answering = Arc::clone(&asking);
        tokio::spawn(pass(from_client, to_server, hole.clone(), move |bytes| asking.asks(bytes)));
        tokio::spawn(pass(from_server, to_client, hole.clone(), move |bytes| answering.answers(bytes)));
    }
}

/// What a connection counts.
struct Asking {
    counts: Arc<Counts>,
    asked: Mutex<Asked>,
}

/// What the server has been asked for, and has not begun to answer.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Asked {
    #[default]
    Nothing,
    SignOfLife,
    Something,
}

impl Asking {
    fn asks(&self, bytes: &[u8]) {
        let mut asked = self.asked.lock().unwrap();
        if *asked == Asked::Nothing && bytes == SIGN_OF_LIFE {
            *asked = Asked::SignOfLife;
            return;
        }
        if *asked != Asked::Something {
            self.counts.round_trips.fetch_add(1, Ordering::SeqCst);
        }
        *asked = Asked::Something;
        self.counts.to_server.fetch_add(bytes.len() as u64, Ordering::SeqCst);
    }

    fn answers(&self, bytes: &[u8]) {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        if asked != Asked::SignOfLife {
            self.counts.from_server.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        }
    }
}

/// Passes bytes on until one side ends; once they are swallowed, for ever.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut hole: watch::Receiver<bool>,
    count: impl Fn(&[u8]),
) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read.ok(),
            _ = hole.wait_for(|it| *it) => None,
        };
        if *hole.borrow() {
            std::future::pending::<()>().await;
        }
        let Some(read @ 1..) = read else { return };
        count(&buffer[..read]);
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
