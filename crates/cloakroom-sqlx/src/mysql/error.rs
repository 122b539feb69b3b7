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
        // The server shuts down, has ended this connection, or could not read from it or write to it. It may only be read from.
        1053 | 1077 | 1078 | 1079 | 1080 | 1152 | 1158..=1161 | 1184 | 1317 | 1927 | 4031 => {
            ErrorKind::Unavailable
        }
        OPTION_PREVENTS | READ_ONLY_TRANSACTION | READ_ONLY_MODE => ErrorKind::Unavailable,
        // A lock was waited for too long, a deadlock came again and again, or a statement took too long.
        LOCK_WAIT_TIMEOUT | DEADLOCK | CHANGED_SINCE_READ | 1969 | 3024 => ErrorKind::Timeout,
        // A table's or an index's pages are damaged.
        126 | 127 | 145 | 1034 | 1194 | 1195 | 1712 | 1877 => ErrorKind::Corrupt,
        // Access, unknown database, table or column, packet too large, syntax, a setting that cannot work.
        1044 | 1045 | 1049 | 1054 | 1064 | 1142 | 1143 | 1146 | 1153 | 1227 | 1461 | 1698 => {
            ErrorKind::Refused
        }
        1046 | 1193 | 1231 | 1364 | 1665 => ErrorKind::Refused,
        _ => ErrorKind::Other,
    }
}

/// Returns whether a connection is of no use after this error.
pub(super) fn breaks(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => kind(error.as_ref()) == ErrorKind::Unavailable,
        _ => true,
    }
}

/// Returns whether the server may only be read from, as one that another has taken over from.
pub(super) fn is_read_only(error: &sqlx::Error) -> bool {
    matches!(number(error), Some(OPTION_PREVENTS | READ_ONLY_TRANSACTION | READ_ONLY_MODE))
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
/// Of the options that do so, `read_only` and `super_read_only` are those that prevent what this store does.
const OPTION_PREVENTS: u16 = 1290;
const NO_PARENT: u16 = 1452;
const OUT_OF_RANGE: u16 = 1690;
const READ_ONLY_TRANSACTION: u16 = 1792;
const READ_ONLY_MODE: u16 = 1836;
