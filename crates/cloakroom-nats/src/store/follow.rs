use std::collections::VecDeque;
use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::consumer::push;
use bytes::Bytes;
use cloakroom_core::{Error, ErrorKind};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::time::Interval;

use super::load::KIND;
use super::{NatsStore, at};
use crate::jet::{Contents, Message};

const FOLLOW: &str = "follow";

/// How often a mark is sent through the stream.
const MARK: Duration = Duration::from_millis(400);

/// What was heard of the stream of sessions.
#[derive(Debug)]
pub(super) enum Heard {
    /// A message that was stored.
    Change(Change),
    /// Everything that was acknowledged before this moment was heard.
    CaughtUp(Instant),
}

/// A message of a session, of everybody's end, or a mark.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) message: Message,
    /// What the header says.
    pub(super) kind: Option<String>,
}

/// Hears what is stored of sessions, in its order, and proves how far it is: it sends marks through the stream.
pub(super) struct Following {
    store: NatsStore,
    messages: push::Ordered,
    timer: Interval,
    mark: mpsc::Sender<Result<Mark, Error>>,
    marked: mpsc::Receiver<Result<Mark, Error>>,
    marks: Marks,
    /// The consumer's name.
    consumer: Option<String>,
}

impl Following {
    pub(super) async fn begin(store: &NatsStore, contents: Contents) -> Result<Self, Error> {
        let messages = store.jet.changes(&store.subjects.sessions(), contents).await.map_err(at(FOLLOW))?;
        let (mark, marked) = mpsc::channel(4);
        let timer = tokio::time::interval(MARK);
        let (store, marks) = (store.clone(), Marks::default());
        Ok(Self { store, messages, timer, mark, marked, marks, consumer: None })
    }

    /// Waits for what comes next. After an error there is nothing.
    pub(super) async fn next(&mut self) -> Result<Heard, Error> {
        loop {
            if let Some(moment) = self.marks.take() {
                return Ok(Heard::CaughtUp(moment));
            }
            tokio::select! {
                message = self.messages.next() => {
                    let message = message.ok_or_else(|| Error::of(ErrorKind::Unavailable, FOLLOW))?;
                    let message = message.map_err(|error| Error::new(ErrorKind::Unavailable, FOLLOW, error))?;
                    return self.read(message).map(Heard::Change);
                }
                Some(passed) = self.marked.recv() => self.marks.passed(passed?)?,
                _ = self.timer.tick() => self.send_mark(),
            }
        }
    }

    /// Another consumer goes on where the last was, by its number: if the stream was made anew, that is another message.
    fn read(&mut self, message: jetstream::Message) -> Result<Change, Error> {
        let info = message.info().map_err(|error| Error::new(ErrorKind::Other, FOLLOW, error))?;
        if self.consumer.get_or_insert_with(|| info.consumer.to_owned()) != info.consumer {
            return Err(Error::of(ErrorKind::Unavailable, FOLLOW));
        }
        let (sequence, stored_at) = (info.stream_sequence, crate::jet::timestamp(info.published));
        self.marks.reached(sequence);
        let kind = message.headers.as_ref().and_then(|headers| headers.get(KIND));
        let kind = kind.map(|kind| kind.as_str().to_owned());
        let jetstream::Message { message, .. } = message;
        let (subject, body) = (message.subject.into_string(), message.payload);
        Ok(Change { message: Message { sequence, subject, stored_at, body }, kind })
    }

    /// Sends a mark through the stream: when whatever comes after it is heard, everything before it was.
    fn send_mark(&self) {
        let (store, passed, heard) = (self.store.clone(), self.mark.clone(), self.marks.heard);
        tokio::spawn(async move {
            let moment = Instant::now();
            let stored = store.jet.store(&store.subjects.mark(), Bytes::from_static(b"mark")).await;
            let mark = stored.map(|sequence| Mark { moment, heard, sequence });
            let _ = passed.send(mark.map_err(at(FOLLOW))).await;
        });
    }
}

/// A mark that is in the stream.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// When it was sent, and what had been heard by then.
    moment: Instant,
    heard: u64,
    sequence: u64,
}

/// The marks that were sent, and how far it was heard.
#[derive(Default)]
struct Marks {
    sent: VecDeque<Mark>,
    heard: u64,
}

impl Marks {
    fn reached(&mut self, sequence: u64) {
        self.heard = self.heard.max(sequence);
    }

    /// # Errors
    ///
    /// If it stands before what had been heard when it was sent: then the stream is another one.
    fn passed(&mut self, mark: Mark) -> Result<(), Error> {
        if mark.sequence <= mark.heard {
            return Err(Error::of(ErrorKind::Unavailable, FOLLOW));
        }
        self.sent.push_back(mark);
        Ok(())
    }

    /// Returns the latest moment of which everything has been heard, once.
    fn take(&mut self) -> Option<Instant> {
        let heard = self.heard;
        let moment = self.sent.iter().filter(|it| it.sequence <= heard).map(|it| it.moment).max();
        self.sent.retain(|it| it.sequence > heard);
        moment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_when_what_comes_after_it_was_heard() {
        let mut marks = Marks::default();
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        marks.passed(Mark { moment: start, heard: 0, sequence: 5 }).unwrap();
        marks.passed(Mark { moment: later, heard: 0, sequence: 9 }).unwrap();
        marks.reached(4);
        assert_eq!(marks.take(), None);
        marks.reached(6);
        assert_eq!(marks.take(), Some(start));
        assert_eq!(marks.take(), None);
        marks.reached(9);
        assert_eq!(marks.take(), Some(later));
    }

    #[test]
    fn a_mark_before_what_was_heard_is_in_another_stream() {
        let mut marks = Marks::default();
        marks.reached(7);
        assert!(marks.passed(Mark { moment: Instant::now(), heard: 7, sequence: 7 }).is_err());
        assert!(marks.passed(Mark { moment: Instant::now(), heard: 7, sequence: 8 }).is_ok());
    }
}
