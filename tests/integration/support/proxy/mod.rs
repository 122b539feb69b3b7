//! A TCP proxy that stands between the testbed and its store, and does what networks and servers do on bad days.

mod control;
mod frames;
mod link;
mod listen;
mod stop;

use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use servers::Port;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

use self::control::{Control, Mode};
pub(crate) use self::frames::Protocol;
use self::listen::{Order, listen};
pub(crate) use self::stop::{Point, Stop, Stops};

/// A thread of its own, so that a test that waits for a server does not stop the proxies that the server needs.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(1).thread_name("proxy").enable_all().build().unwrap()
});

/// A proxy before a server of this machine. It ends when this is dropped.
///
/// Unless it is told otherwise, it forwards everything at once.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: Port,
    control: Arc<Control>,
    orders: mpsc::Sender<(Order, oneshot::Sender<()>)>,
}

/// What went through a proxy so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) connections: u64,
    pub(crate) bytes_to_server: u64,
    pub(crate) bytes_to_client: u64,
}

impl Proxy {
    /// Starts a proxy before the server that listens on this port.
    pub(crate) async fn start(protocol: Protocol, target: u16) -> Self {
        let proxy = Self::before_nobody(protocol).await;
        proxy.forward_to(target);
        proxy
    }

    /// Starts a proxy before a server that is not there yet, and must be told the proxy's port when it starts.
    pub(crate) async fn before_nobody(protocol: Protocol) -> Self {
        let port = Port::claim().unwrap();
        let control = Arc::new(Control::new(protocol));
        let (orders, orders_to_take) = mpsc::channel(1);
        RUNTIME.spawn(listen(port.number(), Arc::clone(&control), orders_to_take));
        let proxy = Self { port, control, orders };
        proxy.order(Order::Listen).await;
        proxy
    }

    /// Sets the port of the server; new connections go there.
    pub(crate) fn forward_to(&self, target: u16) {
        self.control.target.store(target, Ordering::Relaxed);
    }

    /// Returns the port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    /// Returns a URL of the server with the proxy's port in its place.
    pub(crate) fn url(&self, url: &str) -> String {
        let target = self.control.target.load(Ordering::Relaxed);
        let (from, to) = (format!("127.0.0.1:{target}"), format!("127.0.0.1:{}", self.port()));
        assert!(url.contains(&from), "{url} is not that of the server at {from}");
        url.replace(&from, &to)
    }

    /// Returns what went through so far.
    pub(crate) fn traffic(&self) -> Traffic {
        self.control.traffic()
    }

    /// Returns the store commands that were forwarded so far.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.control.commands()
    }

    /// Forwards everything again, and at once. What a black hole kept goes out now, as it does in a network.
    pub(crate) async fn pass(&self) {
        self.control.set(Mode::Pass);
        self.order(Order::Listen).await;
    }

    /// Keeps all that comes, from both sides, and forwards nothing. Connections stay open and are still taken.
    pub(crate) fn black_hole(&self) {
        self.control.set(Mode::BlackHole);
    }

    /// Forwards each piece after this time.
    pub(crate) fn slow(&self, delay: Duration) {
        self.control.set(Mode::Slow(delay));
    }

    /// Cuts all connections, and refuses new ones.
    pub(crate) async fn refuse(&self) {
        self.order(Order::Refuse).await;
    }

    /// Cuts all connections that there are.
    pub(crate) async fn cut(&self) {
        self.order(Order::Cut).await;
    }

    /// Cuts the connection on which the server answers next, after this many bytes of the answer.
    pub(crate) fn cut_next_answer_after(&self, bytes: usize) {
        self.control.cut_after(bytes);
    }

    /// Stops at each store command before it is forwarded, and at each answer to one once the server has sent it.
    ///
    /// Everything goes on when the [`Stops`] are dropped.
    pub(crate) fn hold(&self) -> Stops {
        self.control.hold()
    }

    async fn order(&self, order: Order) {
        let (done, is_done) = oneshot::channel();
        self.orders.send((order, done)).await.unwrap();
        is_done.await.unwrap();
    }
}
