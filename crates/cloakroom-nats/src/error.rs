use std::error::Error as StdError;
use std::fmt;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{CreateStreamErrorKind, PublishErrorKind, RequestErrorKind};
use async_nats::jetstream::stream::{
    DeleteMessageErrorKind, DirectGetErrorKind, InfoError, RawMessageErrorKind,
};
use cloakroom_core::{Error, ErrorKind};

use crate::wire::Damaged;

/// Why a request to the server has failed.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    source: Box<dyn StdError + Send + Sync>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nobody answers for the stream: it is not there, or nobody leads it. Nothing was done.
    NoStream,
    /// The message is not the next one that its subject may have. Nothing was done.
    Conflict,
    Of(ErrorKind),
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: Kind::Of(kind), source: source.into() }
    }

    pub(crate) fn is_no_stream(&self) -> bool {
        self.kind == Kind::NoStream
    }

    pub(crate) fn is_conflict(&self) -> bool {
        self.kind == Kind::Conflict
    }

    pub(crate) fn during(self, during: &'static str) -> Error {
        let kind = match self.kind {
            Kind::NoStream => ErrorKind::Unavailable,
            Kind::Conflict => ErrorKind::Other,
            Kind::Of(kind) => kind,
        };
        Error::new(kind, during, self.source)
    }

    fn of(kind: Kind, source: impl StdError + Send + Sync + 'static) -> Self {
        Self { kind, source: Box::new(source) }
    }
}

impl Damaged {
    pub(crate) fn during(self, during: &'static str) -> Error {
        Error::new(ErrorKind::Corrupt, during, self)
    }
}

/// The connection was lost while an answer was awaited.
#[derive(Debug)]
pub(crate) struct Disconnected;

impl fmt::Display for Disconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no connection to the server")
    }
}

impl StdError for Disconnected {}

type Sourced<K> = async_nats::error::Error<K>;

impl From<Sourced<PublishErrorKind>> for Failure {
    fn from(error: Sourced<PublishErrorKind>) -> Self {
        let kind = match error.kind() {
            PublishErrorKind::StreamNotFound => Kind::NoStream,
            PublishErrorKind::WrongLastSequence => Kind::Conflict,
            PublishErrorKind::TimedOut => Kind::Of(ErrorKind::Timeout),
            PublishErrorKind::BrokenPipe => Kind::Of(ErrorKind::Unavailable),
            PublishErrorKind::MaxAckPending => Kind::Of(ErrorKind::Full),
            PublishErrorKind::MaxPayloadExceeded => Kind::Of(ErrorKind::Refused),
            _ => source_code(&error).map_or(Kind::Of(ErrorKind::Other), of_code),
        };
        Self::of(kind, error)
    }
}

impl From<Sourced<DirectGetErrorKind>> for Failure {
    fn from(error: Sourced<DirectGetErrorKind>) -> Self {
        let kind = match error.kind() {
            DirectGetErrorKind::TimedOut => Kind::Of(ErrorKind::Timeout),
            DirectGetErrorKind::ErrorResponse(status, _) if status.as_u16() == 503 => Kind::NoStream,
            DirectGetErrorKind::Request | DirectGetErrorKind::Other => Kind::Of(ErrorKind::Unavailable),
            _ => Kind::Of(ErrorKind::Other),
        };
        Self::of(kind, error)
    }
}

impl From<Sourced<RawMessageErrorKind>> for Failure {
    fn from(error: Sourced<RawMessageErrorKind>) -> Self {
        let kind = match error.kind() {
            RawMessageErrorKind::JetStream(error) => of_code(error.error_code()),
            RawMessageErrorKind::Other => of_request(&error),
            _ => Kind::Of(ErrorKind::Other),
        };
        Self::of(kind, error)
    }
}

impl From<Sourced<DeleteMessageErrorKind>> for Failure {
    fn from(error: Sourced<DeleteMessageErrorKind>) -> Self {
        let kind = match error.kind() {
            DeleteMessageErrorKind::TimedOut => Kind::Of(ErrorKind::Timeout),
            DeleteMessageErrorKind::Request => of_request(&error),
            DeleteMessageErrorKind::JetStream(error) => of_code(error.error_code()),
        };
        Self::of(kind, error)
    }
}

impl From<InfoError> for Failure {
    fn from(error: InfoError) -> Self {
        let kind = match error.kind() {
            RequestErrorKind::NoResponders => Kind::NoStream,
            RequestErrorKind::TimedOut => Kind::Of(ErrorKind::Timeout),
            _ => source_code(&error).map_or(Kind::Of(ErrorKind::Unavailable), of_code),
        };
        Self::of(kind, error)
    }
}

impl From<Sourced<CreateStreamErrorKind>> for Failure {
    fn from(error: Sourced<CreateStreamErrorKind>) -> Self {
        let kind = match error.kind() {
            CreateStreamErrorKind::TimedOut => Kind::Of(ErrorKind::Timeout),
            CreateStreamErrorKind::JetStreamUnavailable => Kind::Of(ErrorKind::Unavailable),
            // A cluster says so to those who come second while it makes the stream for another.
            CreateStreamErrorKind::NotFound => Kind::NoStream,
            CreateStreamErrorKind::JetStream(error) => match of_code(error.error_code()) {
                Kind::Of(ErrorKind::Other) => Kind::Of(ErrorKind::Refused),
                kind => kind,
            },
            CreateStreamErrorKind::Response => of_request(&error),
            _ => Kind::Of(ErrorKind::Refused),
        };
        Self::of(kind, error)
    }
}

/// Finds what the server said among an error's causes.
fn source_code(error: &(dyn StdError + 'static)) -> Option<ErrorCode> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(said) = error.downcast_ref::<async_nats::jetstream::Error>() {
            return Some(said.error_code());
        }
        next = error.source();
    }
    None
}

fn of_code(code: ErrorCode) -> Kind {
    match code {
        ErrorCode::STREAM_NOT_FOUND => Kind::NoStream,
        ErrorCode::ACCOUNT_RESOURCES_EXCEEDED
        | ErrorCode::INSUFFICIENT_RESOURCES
        | ErrorCode::MEMORY_RESOURCES_EXCEEDED
        | ErrorCode::STORAGE_RESOURCES_EXCEEDED
        | ErrorCode::STREAM_STORE_FAILED => Kind::Of(ErrorKind::Full),
        ErrorCode::CLUSTER_NOT_AVAILABLE | ErrorCode::CLUSTER_NO_PEERS => Kind::Of(ErrorKind::Unavailable),
        ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM
        | ErrorCode::JETSTREAM_NOT_ENABLED
        | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT => Kind::Of(ErrorKind::Refused),
        // A cluster since version 2.11 refuses what is proposed while another message is on its way that it would follow, or
        // that has its id.
        ErrorCode::STREAM_WRONG_LAST_SEQUENCE
        | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT
        | ErrorCode::STREAM_DUPLICATE_MESSAGE_CONFLICT => Kind::Conflict,
        _ => Kind::Of(ErrorKind::Other),
    }
}

/// Sorts a request that got no answer.
fn of_request(error: &(dyn StdError + 'static)) -> Kind {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<InfoError>() {
            match error.kind() {
                RequestErrorKind::NoResponders => return Kind::NoStream,
                RequestErrorKind::TimedOut => return Kind::Of(ErrorKind::Timeout),
                _ => {}
            }
        }
        next = error.source();
    }
    Kind::Of(ErrorKind::Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the error of a message that was answered so.
    fn refused(code: u64) -> Failure {
        let answer = format!(r#"{{"code":400,"err_code":{code},"description":"said so"}}"#);
        let said: async_nats::jetstream::Error = serde_json::from_str(&answer).unwrap();
        Sourced::with_source(PublishErrorKind::Other, said).into()
    }

    #[test]
    fn a_message_that_meets_another_on_its_way_is_a_conflict() {
        for code in [10071, 10158, 10164] {
            assert!(refused(code).is_conflict(), "{code}");
        }
        for code in [10023, 10070, 10077, 10059] {
            assert!(!refused(code).is_conflict(), "{code}");
        }
        assert!(refused(10059).is_no_stream());
        assert_eq!(refused(10023).during("a test").kind(), ErrorKind::Full);
    }
}
