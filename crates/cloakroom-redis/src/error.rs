use cloakroom_core::{Error, ErrorKind};
use redis::{RedisError, ServerErrorKind};

/// Turns a driver's error into the store's, keeping it as the source.
pub(crate) fn failed(during: &'static str, error: RedisError) -> Error {
    Error::new(kind(&error), during, error)
}

/// Returns whether a server may not be written any more: it is a replica now. Within a script, servers before version 7 put that
/// into the text.
pub(crate) fn is_read_only(error: &RedisError) -> bool {
    match error.kind() {
        redis::ErrorKind::Server(ServerErrorKind::ReadOnly) => true,
        redis::ErrorKind::Server(ServerErrorKind::ResponseError) => {
            error.detail().is_some_and(|text| text.contains("READONLY"))
        }
        _ => false,
    }
}

fn kind(error: &RedisError) -> ErrorKind {
    match error.kind() {
        redis::ErrorKind::Io if error.is_timeout() => ErrorKind::Timeout,
        redis::ErrorKind::Io
        | redis::ErrorKind::ClusterConnectionNotFound
        | redis::ErrorKind::MasterNameNotFoundBySentinel
        | redis::ErrorKind::NoValidReplicasFoundBySentinel => ErrorKind::Unavailable,
        redis::ErrorKind::AuthenticationFailed
        | redis::ErrorKind::InvalidClientConfig
        | redis::ErrorKind::EmptySentinelList
        | redis::ErrorKind::RESP3NotSupported => ErrorKind::Refused,
        redis::ErrorKind::Server(kind) => server_kind(kind, error),
        redis::ErrorKind::Extension => code_kind(error.code().unwrap_or_default()),
        _ => ErrorKind::Other,
    }
}

fn server_kind(kind: ServerErrorKind, error: &RedisError) -> ErrorKind {
    match kind {
        ServerErrorKind::NoPerm | ServerErrorKind::CrossSlot => ErrorKind::Refused,
        ServerErrorKind::ReadOnly
        | ServerErrorKind::BusyLoading
        | ServerErrorKind::MasterDown
        | ServerErrorKind::ClusterDown
        | ServerErrorKind::TryAgain
        | ServerErrorKind::Moved
        | ServerErrorKind::Ask => ErrorKind::Unavailable,
        ServerErrorKind::ResponseError => text_kind(error.detail().unwrap_or_default()),
        _ => ErrorKind::Other,
    }
}

/// Sorts errors that have a code which the driver does not know.
fn code_kind(code: &str) -> ErrorKind {
    match code {
        "OOM" | "MISCONF" => ErrorKind::Full,
        "WRONGTYPE" => ErrorKind::Corrupt,
        "NOAUTH" | "WRONGPASS" => ErrorKind::Refused,
        "BUSY" | "NOREPLICAS" => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}

/// Sorts errors that come without a code of their own: within a script, servers before version 7 put it into the text.
fn text_kind(text: &str) -> ErrorKind {
    let texts = [
        ("OOM command not allowed", ErrorKind::Full),
        ("MISCONF", ErrorKind::Full),
        ("max number of clients", ErrorKind::Full),
        ("WRONGTYPE", ErrorKind::Corrupt),
        ("data string too short", ErrorKind::Corrupt),
        ("READONLY", ErrorKind::Unavailable),
        ("NOREPLICAS", ErrorKind::Unavailable),
        ("unknown command", ErrorKind::Refused),
        ("without any password configured", ErrorKind::Refused),
        ("can't run this command", ErrorKind::Refused),
        ("not permitted", ErrorKind::Refused),
        ("has no permissions", ErrorKind::Refused),
        ("DB index is out of range", ErrorKind::Refused),
    ];
    texts.iter().find(|(part, _)| text.contains(part)).map_or(ErrorKind::Other, |(_, kind)| *kind)
}
