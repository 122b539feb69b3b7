use cloakroom_core::{Error, ErrorKind};
use sqlx::error::DatabaseError;

use super::schema::Unusable;
use crate::error::failed;

/// What the functions raise about a session that they cannot read.
const DAMAGED: &str = "K0001";

/// Sorts PostgreSQL's [error codes](https://www.postgresql.org/docs/current/errcodes-appendix.html).
pub(crate) fn kind(error: &dyn DatabaseError) -> ErrorKind {
    let code = error.code().unwrap_or_default();
    match &*code {
        DAMAGED | "XX001" | "XX002" => ErrorKind::Corrupt,
        READ_ONLY | "57P01" | "57P02" | "57P03" | "57P05" => ErrorKind::Unavailable,
        "57014" | "55P03" => ErrorKind::Timeout,
        "22021" | "22P05" => ErrorKind::Refused,
        _ => class_kind(code.get(..2).unwrap_or_default()),
    }
}

/// Sorts by the first two characters of a code.
fn class_kind(class: &str) -> ErrorKind {
    match class {
        "08" | "25" | "40" | "58" => ErrorKind::Unavailable,
        "53" => ErrorKind::Full,
        "22" => ErrorKind::Corrupt,
        "0A" | "28" | "3D" | "3F" | "42" | "54" => ErrorKind::Refused,
        _ => ErrorKind::Other,
    }
}

/// The server is a standby, or was told to take no writes.
const READ_ONLY: &str = "25006";

/// Turns a driver's error into the store's; says what to call where the tables or functions are missing.
pub(super) fn refused(during: &'static str, error: sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(DatabaseError::code);
    match code.as_deref() {
        Some("42P01" | "42883" | "3F000") => {
            Error::new(ErrorKind::Refused, during, Unusable::Missing(Box::new(error)))
        }
        _ => failed(during, error),
    }
}

/// Returns whether an error says that its connection is of no more use: broken, or to a server that stops or takes no
/// writes.
pub(super) fn is_fatal(error: &sqlx::Error) -> bool {
    match error.as_database_error().and_then(DatabaseError::code) {
        Some(code) => code == READ_ONLY || code.starts_with("57P") || code.starts_with("08"),
        None => !matches!(
            error,
            sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Encode(_)
        ),
    }
}
