use async_nats::datetime::DateTime;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{DirectGetErrorKind, RawMessageErrorKind};
use bytes::Bytes;
use cloakroom_core::{ErrorKind, Timestamp};
use futures_util::TryStreamExt as _;

use super::Jet;
use crate::error::Failure;
use crate::subjects::Kept;

/// A message that a stream keeps.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) sequence: u64,
    pub(crate) subject: String,
    /// When the server stored it.
    pub(crate) stored_at: Timestamp,
    pub(crate) body: Bytes,
}

impl From<StreamMessage> for Message {
    fn from(message: StreamMessage) -> Self {
        Self {
            sequence: message.sequence,
            subject: message.subject.into_string(),
            stored_at: timestamp(message.time),
            body: message.payload,
        }
    }
}

/// Reads when a message was stored.
pub(crate) fn timestamp(time: DateTime) -> Timestamp {
    let millis = time.unix_timestamp_nanos() / 1_000_000;
    Timestamp::from_millis(u64::try_from(millis).unwrap_or_default())
}

impl Jet {
    /// Returns the last message of a subject, as of now: where there are several replicas, the leader answers.
    pub(crate) async fn last(&self, subject: &str) -> Result<Option<Message>, Failure> {
        self.with_streams(move || async move {
            let stream = self.stream(Kept::Sessions).await?;
            if self.has_replicas() {
                let get = stream.raw_message_builder().last_by_subject(subject);
                return self.by_leader(get.send()).await;
            }
            let get = stream.direct_get_builder().last_by_subject(subject);
            self.direct(get.send()).await
        })
        .await
    }

    /// Returns the message of a sequence. It never changes, so that any replica may answer that has it.
    pub(crate) async fn at(&self, kept: Kept, sequence: u64) -> Result<Option<Message>, Failure> {
        self.with_streams(move || async move {
            let stream = self.stream(kept).await?;
            let found = self.direct(stream.direct_get_builder().sequence(sequence).send()).await?;
            if found.is_some() || !self.has_replicas() {
                return Ok(found);
            }
            self.by_leader(stream.raw_message_builder().sequence(sequence).send()).await
        })
        .await
    }

    /// Returns the first message from a sequence on whose subject matches.
    pub(crate) async fn next(&self, kept: Kept, filter: &str, from: u64) -> Result<Option<Message>, Failure> {
        self.with_streams(move || async move {
            let stream = self.stream(kept).await?;
            let get = stream.raw_message_builder().sequence(from.max(1)).next_by_subject(filter);
            self.by_leader(get.send()).await
        })
        .await
    }

    /// Returns the subjects of a stream that match.
    pub(crate) async fn subjects(&self, kept: Kept, filter: &str) -> Result<Vec<String>, Failure> {
        self.with_streams(move || async move {
            let stream = self.stream(kept).await?;
            let found = self.link.ask(async { stream.info_with_subjects(filter).await }).await?;
            let found = found.map_ok(|(subject, _)| subject).try_collect();
            self.link.ask(found).await
        })
        .await
    }

    /// Returns the number of the last message that a stream was given.
    pub(crate) async fn last_sequence(&self, kept: Kept) -> Result<u64, Failure> {
        let stream = self.stream(kept).await?;
        self.link.ask(stream.get_info()).await.map(|info| info.state.last_sequence)
    }

    async fn direct(
        &self,
        get: impl Future<Output = Result<StreamMessage, async_nats::jetstream::stream::DirectGetError>>,
    ) -> Result<Option<Message>, Failure> {
        let answer = async {
            match get.await {
                Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
                result => result.map(|message| Some(message.into())).map_err(Failure::from),
            }
        };
        self.link.ask(answer).await
    }

    async fn by_leader(
        &self,
        get: impl Future<Output = Result<StreamMessage, async_nats::jetstream::stream::RawMessageError>>,
    ) -> Result<Option<Message>, Failure> {
        let answer = async {
            match get.await {
                Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
                result => result.map(|message| Some(message.into())).map_err(Failure::from),
            }
        };
        self.link.ask(answer).await
    }

    /// Asks for a sign of life of whoever keeps the sessions.
    pub(crate) async fn ping(&self) -> Result<(), Failure> {
        let nobody = self.subjects.clock("ping");
        tokio::time::timeout(std::time::Duration::from_secs(5), self.last(&nobody))
            .await
            .map_err(|elapsed| Failure::new(ErrorKind::Timeout, elapsed))?
            .map(drop)
    }
}
