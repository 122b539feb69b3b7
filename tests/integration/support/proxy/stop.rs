use tokio::sync::{mpsc, oneshot};

/// The things that a proxy has stopped at, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Stops {
    pub(super) coming: mpsc::UnboundedReceiver<Stop>,
}

/// A command or an answer that waits in a proxy. Dropped, it goes on.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) point: Point,
    pub(super) go: oneshot::Sender<Go>,
}

/// Where a proxy stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// Before this command reaches the server.
    Command(String),
    /// Once the server has answered this command, before the answer reaches the client.
    Answer(String),
}

/// How it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Go {
    On,
    Cut,
}

impl Stops {
    /// Waits for the next.
    pub(crate) async fn next(&mut self) -> Stop {
        self.coming.recv().await.unwrap()
    }

    /// Returns the next if there is one.
    pub(crate) fn try_next(&mut self) -> Option<Stop> {
        self.coming.try_recv().ok()
    }
}

impl Stop {
    /// Lets it go on.
    pub(crate) fn pass(self) {
        // Who has hung up in the meantime does not wait.
        let _ = self.go.send(Go::On);
    }

    /// Drops it, and cuts its connection on both sides.
    pub(crate) fn cut(self) {
        let _ = self.go.send(Go::Cut);
    }

    /// Returns whether it is an answer, so that the server has done what it was told.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(self.point, Point::Answer(_))
    }
}
