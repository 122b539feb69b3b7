use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::DeleteMessageErrorKind;
use bytes::Bytes;

use super::Jet;
use crate::error::Failure;
use crate::pauses::Pauses;
use crate::subjects::Kept;

/// What must be the last message of the subject for another to be stored after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarded {
    /// None.
    First,
    /// The one of this sequence.
    After(u64),
}

impl Guarded {
    pub(crate) fn after(sequence: Option<u64>) -> Self {
        sequence.map_or(Self::First, Self::After)
    }
}

impl Jet {
    /// Stores a message, and returns its sequence.
    pub(crate) async fn store(&self, subject: &str, body: Bytes) -> Result<u64, Failure> {
        self.publish(subject, &|| PublishMessage::build().payload(body.clone()))
            .await
            .map(|(sequence, _)| sequence)
    }

    /// Stores a message once, however many do it.
    pub(crate) async fn store_once(&self, subject: &str, id: &str, body: Bytes) -> Result<(), Failure> {
        let build = || PublishMessage::build().payload(body.clone()).message_id(id);
        let mut pauses = Pauses::default();
        loop {
            match self.publish(subject, &build).await {
                // Another one is on its way: if it is not stored after all, this one must be.
                Err(failure) if failure.is_conflict() => pauses.pause().await,
                stored => return stored.map(drop),
            }
        }
    }

    /// Stores a message if the last one of its subject is still the one that was read; returns its sequence, or `None` if it is
    /// another.
    ///
    /// The id settles what the guard does not: with several replicas, a server of version 2.9 compares the sequence when it
    /// proposes a message, and not again when the message is stored, so that of two that are proposed at the same time both would
    /// be. The second of one id is not stored, whichever that is. A later version refuses it while the first is on its way: then
    /// nobody knows yet which will be the last, and whoever tries again had better wait for a moment.
    pub(crate) async fn store_after(
        &self,
        guard: Guarded,
        subject: &str,
        what: (&'static str, &str),
        body: Bytes,
    ) -> Result<Option<u64>, Failure> {
        let build = || {
            let message = PublishMessage::build().payload(body.clone()).header(what.0, what.1);
            match guard {
                Guarded::First => message.expected_last_subject_sequence(0),
                Guarded::After(last) => {
                    message.expected_last_subject_sequence(last).message_id(format!("{subject}/{last}"))
                }
            }
        };
        match self.publish(subject, &build).await {
            Ok((sequence, is_duplicate)) => Ok((!is_duplicate).then_some(sequence)),
            Err(failure) if failure.is_conflict() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn publish(
        &self,
        subject: &str,
        build: &(dyn Fn() -> PublishMessage + Send + Sync),
    ) -> Result<(u64, bool), Failure> {
        self.with_streams(move || async move {
            // A stream that was never opened may not be there.
            self.stream(Kept::Sessions).await?;
            let stored = async {
                let acknowledgement = self.context.send_publish(subject.to_owned(), build()).await?;
                acknowledgement.await
            };
            let stored = self.link.ask::<_, async_nats::error::Error<PublishErrorKind>>(stored).await?;
            Ok((stored.sequence, stored.duplicate))
        })
        .await
    }

    /// Removes a message if it has this subject.
    pub(crate) async fn remove_if(&self, kept: Kept, subject: &str, sequence: u64) -> Result<(), Failure> {
        match self.at(kept, sequence).await? {
            Some(found) if found.subject == subject => self.remove(kept, sequence).await,
            _ => Ok(()),
        }
    }

    /// Removes a message. One that is not there is no error.
    pub(crate) async fn remove(&self, kept: Kept, sequence: u64) -> Result<(), Failure> {
        let stream = self.stream(kept).await?;
        let removed = async {
            match stream.delete_message(sequence).await {
                Err(error) if is_gone(&error.kind()) => Ok(()),
                result => result.map(drop).map_err(Failure::from),
            }
        };
        self.link.ask(removed).await
    }
}

fn is_gone(kind: &DeleteMessageErrorKind) -> bool {
    use async_nats::jetstream::ErrorCode;

    let DeleteMessageErrorKind::JetStream(error) = kind else { return false };
    matches!(
        error.error_code(),
        ErrorCode::SEQUENCE_NOT_FOUND
            | ErrorCode::STREAM_MESSAGE_DELETE_FAILED
            | ErrorCode::STREAM_NOT_FOUND
            | ErrorCode::NO_MESSAGE_FOUND
    )
}
