use std::fmt;

use cloakroom_core::{Error, ErrorKind};
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;

/// Turns a driver's error into the store's; a missing table also tells what makes it.
pub(super) fn failed(during: &'static str, error: sqlx::Error) -> Error {
    if number(&error) == Some(NO_SUCH_TABLE) {
        return Error::new(ErrorKind::Refused, during, NoTable(error));
    }
    crate::error::failed(during, error)
}

/// Sorts the server's [error numbers](https://mariadb.com/kb/en/mariadb-error-codes/).
pub(crate) fn kind(error: &dyn DatabaseError) -> ErrorKind {
    let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() else { return ErrorKind::Other };
    match error.number() {
        // Too many connections, of all or of this user; no memory, no disk, no thread.
        1040 | 1203 | 1226 | 1037 | 1038 | 1041 | 1021 | 1114 | 1135 => ErrorKind::Full,
        // The server shuts down, has ended this connection, or could not read from it or write to it.
        1053 | 1077 | 1078 | 1079 | 1080 | 1152 | 1158..=1161 | 1184 | 1317 | 1927 | 4031 => {
            ErrorKind::Unavailable
        }
        // A lock was waited for too long, a deadlock came again and again, or a statement took too long.
        LOCK_WAIT_TIMEOUT | DEADLOCK | CHANGED_SINCE_READ | 1969 | 3024 => ErrorKind::Timeout,
        // A table's or an index's pages are damaged.
        126 | 127 | 145 | 1034 | 1194 | 1195 | 1712 | 1877 => ErrorKind::Corrupt,
        // Access, unknown database, table or column, packet too large, read-only, syntax, a setting that cannot work.
        1044 | 1045 | 1049 | 1054 | 1064 | 1142 | 1143 | 1146 | 1153 | 1227 | 1461 | 1698 => {
            ErrorKind::Refused
        }
        1046 | 1193 | 1231 | 1290 | 1364 | 1665 | 1792 | 1836 => ErrorKind::Refused,
        _ => ErrorKind::Other,
    }
}

/// Returns whether a connection is of no use after this error: it broke, or the server at its other end may only be read
/// from, as one that another has taken over from.
pub(super) fn breaks(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            let is_read_only = matches!(error.code().as_deref(), Some("25006"));
            kind(error.as_ref()) == ErrorKind::Unavailable || is_read_only || is_option(error.as_ref())
        }
        _ => true,
    }
}

fn is_option(error: &dyn DatabaseError) -> bool {
    error.try_downcast_ref::<MySqlDatabaseError>().is_some_and(|error| matches!(error.number(), 1290 | 1836))
}

/// Returns whether the server has undone the whole transaction to let another one go on.
pub(super) fn is_deadlock(error: &sqlx::Error) -> bool {
    matches!(number(error), Some(DEADLOCK | CHANGED_SINCE_READ))
}

/// Returns whether a guarded statement found that the session is not as it was read, and has stored nothing.
pub(super) fn is_overtaken(error: &sqlx::Error) -> bool {
    matches!(number(error), Some(OUT_OF_RANGE | NO_PARENT))
}

fn number(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?;
    Some(error.number())
}

/// A table that does not exist.
#[derive(Debug)]
struct NoTable(sqlx::Error);

impl fmt::Display for NoTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a table of the session store does not exist: call `MySqlStore::migrate`, or run the SQL of \
             `MySqlStore::schema`",
        )
    }
}

impl std::error::Error for NoTable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

const CHANGED_SINCE_READ: u16 = 1020;
const NO_SUCH_TABLE: u16 = 1146;
const LOCK_WAIT_TIMEOUT: u16 = 1205;
const DEADLOCK: u16 = 1213;
const NO_PARENT: u16 = 1452;
const OUT_OF_RANGE: u16 = 1690;
