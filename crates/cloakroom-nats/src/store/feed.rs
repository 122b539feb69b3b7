use std::collections::VecDeque;
use std::time::{Duration, Instant};

use async_nats::jetstream;
use bytes::Bytes;
use cloakroom_core::{Error, ErrorKind, Feed, Notice, Version};
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::mpsc;

use super::end::ENDED;
use super::load::KIND;
use super::{NatsStore, at};
use crate::error::{Disconnected, Failure};
use crate::subjects::handle_of_session;

const FEED: &str = "feed";

/// How often a mark is sent through the stream.
const MARK: Duration = Duration::from_millis(400);

/// How many notices wait for a slow listener. More wait at the server.
const WAITING: usize = 1024;

impl NatsStore {
    /// Starts a task that listens, and ends when the feed is dropped.
    pub(super) fn listen(&self) -> Feed {
        let (tell, told) = mpsc::channel(WAITING);
        let store = self.clone();
        tokio::spawn(async move {
            let listened = async { store.listen_to(&tell).await };
            let ended = tokio::select! {
                ended = listened => ended,
                () = store.jet.link().lost() => Err(Failure::new(ErrorKind::Unavailable, Disconnected).during(FEED)),
                () = tell.closed() => return,
            };
            if let Err(error) = ended {
                let _ = tell.send(Err(error)).await;
            }
        });
        Box::pin(stream::unfold(told, async |mut told| told.recv().await.map(|notice| (notice, told))))
    }

    /// Tells until there is an error, or nobody listens.
    async fn listen_to(&self, tell: &mpsc::Sender<Result<Notice, Error>>) -> Result<(), Error> {
        let mut messages = self.jet.changes(&self.subjects.sessions()).await.map_err(at(FEED))?;
        let (mark, mut marked) = mpsc::channel(4);
        let mut timer = tokio::time::interval(MARK);
        let mut marks = Marks::default();
        loop {
            tokio::select! {
                message = messages.next() => {
                    let Some(message) = message else { return Err(Error::of(ErrorKind::Unavailable, FEED)) };
                    let message = message.map_err(|error| Error::new(ErrorKind::Unavailable, FEED, error))?;
                    let (sequence, notice) = read(&message)?;
                    if let Some(notice) = notice && tell.send(Ok(notice)).await.is_err() {
                        return Ok(());
                    }
                    marks.reached(sequence);
                }
                Some(passed) = marked.recv() => marks.passed(passed?),
                _ = timer.tick() => self.mark(mark.clone()),
            }
            if let Some(moment) = marks.take()
                && tell.send(Ok(Notice::CaughtUp(moment))).await.is_err()
            {
                return Ok(());
            }
        }
    }

    /// Sends a mark through the stream: when whatever comes after it is heard, everything before it was.
    fn mark(&self, passed: mpsc::Sender<Result<(Instant, u64), Error>>) {
        let store = self.clone();
        tokio::spawn(async move {
            let moment = Instant::now();
            let stored = store.jet.store(&store.subjects.mark(), Bytes::from_static(b"mark")).await;
            let _ = passed.send(stored.map(|sequence| (moment, sequence)).map_err(at(FEED))).await;
        });
    }
}

/// The marks that were sent, and how far the feed is.
#[derive(Default)]
struct Marks {
    sent: VecDeque<(Instant, u64)>,
    heard: u64,
}

impl Marks {
    fn reached(&mut self, sequence: u64) {
        self.heard = self.heard.max(sequence);
    }

    fn passed(&mut self, mark: (Instant, u64)) {
        self.sent.push_back(mark);
    }

    /// Returns the latest moment of which everything has been heard, once.
    fn take(&mut self) -> Option<Instant> {
        let heard = self.heard;
        let moment =
            self.sent.iter().filter(|(_, sequence)| *sequence <= heard).map(|(moment, _)| *moment).max();
        self.sent.retain(|(_, sequence)| *sequence > heard);
        moment
    }
}

/// Reads a message's sequence, and what it tells.
fn read(message: &jetstream::Message) -> Result<(u64, Option<Notice>), Error> {
    let malformed = |error| Error::new(ErrorKind::Other, FEED, error);
    let sequence = message.info().map_err(malformed)?.stream_sequence;
    let subject = message.subject.as_str();
    if subject.ends_with(".epoch") {
        return Ok((sequence, Some(Notice::Ended { handle: None })));
    }
    let kind = message.headers.as_ref().and_then(|headers| headers.get(KIND));
    let (Some(handle), Some(kind)) = (handle_of_session(subject), kind) else {
        return Ok((sequence, None));
    };
    let version = kind.as_str().strip_prefix('c').and_then(|version| version.parse().ok());
    let notice = match version {
        Some(version) => Some(Notice::Committed { handle, version: Version(version) }),
        None if kind.as_str() == ENDED => Some(Notice::Ended { handle: Some(handle) }),
        None => None,
    };
    Ok((sequence, notice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_when_what_comes_after_it_was_heard() {
        let mut marks = Marks::default();
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        marks.passed((start, 5));
        marks.passed((later, 9));
        marks.reached(4);
        assert_eq!(marks.take(), None);
        marks.reached(6);
        assert_eq!(marks.take(), Some(start));
        assert_eq!(marks.take(), None);
        marks.reached(9);
        assert_eq!(marks.take(), Some(later));
    }
}
