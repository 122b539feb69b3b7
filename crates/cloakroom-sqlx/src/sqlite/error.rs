use cloakroom_core::ErrorKind;
use sqlx::error::DatabaseError;

/// Sorts SQLite's [result codes](https://sqlite.org/rescode.html).
pub(crate) fn kind(error: &dyn DatabaseError) -> ErrorKind {
    match result_code(error) {
        BUSY | LOCKED => ErrorKind::Timeout,
        FULL | NOMEM => ErrorKind::Full,
        CORRUPT | NOT_A_DATABASE => ErrorKind::Corrupt,
        ERROR | PERM | READONLY | AUTH | TOO_BIG => ErrorKind::Refused,
        IO_ERROR | CANNOT_OPEN | INTERRUPT | PROTOCOL => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}

pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| matches!(result_code(error), BUSY | LOCKED))
}

pub(crate) fn is_read_only(error: &dyn DatabaseError) -> bool {
    result_code(error) == READONLY
}

/// Returns the primary result code, which is the low byte of the extended one.
fn result_code(error: &dyn DatabaseError) -> i32 {
    let code = error.code().and_then(|code| code.parse::<i32>().ok());
    code.map_or(ERROR, |code| code & 0xff)
}

const ERROR: i32 = 1;
const PERM: i32 = 3;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const NOMEM: i32 = 7;
const READONLY: i32 = 8;
const INTERRUPT: i32 = 9;
const IO_ERROR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;
const PROTOCOL: i32 = 15;
const TOO_BIG: i32 = 18;
const AUTH: i32 = 23;
const NOT_A_DATABASE: i32 = 26;
