use std::sync::Mutex;
use std::sync::atomic::AtomicU16;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::Traffic;
use super::frames::Protocol;
use super::stop::{Go, Point, Stop, Stops};

/// What a proxy has been told, and has seen: shared by all its connections.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) protocol: Protocol,
    /// The server's port.
    pub(super) target: AtomicU16,
    mode: watch::Sender<Mode>,
    seen: Mutex<Seen>,
    cut_after: Mutex<Option<usize>>,
    stops: Mutex<Option<mpsc::UnboundedSender<Stop>>>,
}

/// What happens to a piece before it is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Pass,
    Slow(Duration),
    BlackHole,
}

#[derive(Debug, Default)]
struct Seen {
    traffic: Traffic,
    commands: Vec<String>,
}

impl Control {
    pub(super) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            target: AtomicU16::default(),
            mode: watch::Sender::new(Mode::Pass),
            seen: Mutex::default(),
            cut_after: Mutex::default(),
            stops: Mutex::default(),
        }
    }

    pub(super) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Waits until a piece may be forwarded.
    pub(super) async fn passable(&self) {
        let mut mode = self.mode.subscribe();
        let until = *mode.wait_for(|mode| *mode != Mode::BlackHole).await.unwrap();
        if let Mode::Slow(delay) = until {
            tokio::time::sleep(delay).await;
        }
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.seen.lock().unwrap().traffic
    }

    pub(super) fn commands(&self) -> Vec<String> {
        self.seen.lock().unwrap().commands.clone()
    }

    pub(super) fn count_connection(&self) {
        self.seen.lock().unwrap().traffic.connections += 1;
    }

    pub(super) fn count_to_server(&self, bytes: usize, command: Option<&str>) {
        let mut seen = self.seen.lock().unwrap();
        seen.traffic.bytes_to_server += bytes as u64;
        seen.commands.extend(command.map(str::to_owned));
    }

    pub(super) fn count_to_client(&self, bytes: usize) {
        self.seen.lock().unwrap().traffic.bytes_to_client += bytes as u64;
    }

    pub(super) fn cut_after(&self, bytes: usize) {
        *self.cut_after.lock().unwrap() = Some(bytes);
    }

    /// Returns after how many of these bytes to cut the connection, if within them.
    pub(super) fn cut_within(&self, bytes: usize) -> Option<usize> {
        let mut cut_after = self.cut_after.lock().unwrap();
        let left = (*cut_after)?;
        *cut_after = left.checked_sub(bytes).filter(|left| *left > 0);
        cut_after.is_none().then_some(left)
    }

    pub(super) fn hold(&self) -> Stops {
        let (stops, coming) = mpsc::unbounded_channel();
        *self.stops.lock().unwrap() = Some(stops);
        Stops { coming }
    }

    /// Waits where somebody holds what passes, until it is let go.
    pub(super) async fn stop(&self, point: Point) -> Go {
        let (go, told) = oneshot::channel();
        let stops = self.stops.lock().unwrap().clone();
        let is_held = stops.is_some_and(|stops| stops.send(Stop { point, go }).is_ok());
        if is_held { told.await.unwrap_or(Go::On) } else { Go::On }
    }

    pub(super) fn is_holding(&self) -> bool {
        self.stops.lock().unwrap().as_ref().is_some_and(|stops| !stops.is_closed())
    }
}
