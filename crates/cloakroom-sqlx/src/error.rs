use cloakroom_core::{Error, ErrorKind};
use sqlx::error::DatabaseError;

/// Turns a driver's error into the store's, keeping it as the source.
pub(crate) fn failed(during: &'static str, error: sqlx::Error) -> Error {
    Error::new(kind(&error), during, error)
}

fn kind(error: &sqlx::Error) -> ErrorKind {
    use sqlx::Error::{
        ColumnDecode, ColumnIndexOutOfBounds, ColumnNotFound, Configuration, Database, Decode,
        InvalidSavePointStatement, Io, PoolClosed, PoolTimedOut, RowNotFound, Tls, TypeNotFound,
        WorkerCrashed,
    };
    match error {
        Database(error) => database_kind(error.as_ref()),
        PoolTimedOut => ErrorKind::Timeout,
        Io(_) | PoolClosed | WorkerCrashed | InvalidSavePointStatement => ErrorKind::Unavailable,
        Decode(_) | ColumnDecode { .. } => ErrorKind::Corrupt,
        Configuration(_) | Tls(_) | TypeNotFound { .. } | RowNotFound => ErrorKind::Refused,
        ColumnIndexOutOfBounds { .. } | ColumnNotFound(_) => ErrorKind::Refused,
        _ => ErrorKind::Other,
    }
}

fn database_kind(error: &dyn DatabaseError) -> ErrorKind {
    #[cfg(feature = "sqlite")]
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        return crate::sqlite::error_kind(error);
    }
    #[cfg(feature = "postgres")]
    if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
        return crate::postgres::error_kind(error);
    }
    #[cfg(feature = "mysql")]
    if error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().is_some() {
        return crate::mysql::error_kind(error);
    }
    let _ = error;
    ErrorKind::Other
}

/// Returns whether it failed because the file may only be read. (That a server takes no writes is
/// [`ErrorKind::Unavailable`].)
#[cfg(any(feature = "sqlite", feature = "mysql"))]
pub(crate) fn is_read_only(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<sqlx::Error>());
    let Some(error) = source.and_then(sqlx::Error::as_database_error) else { return false };
    #[cfg(feature = "sqlite")]
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        return crate::sqlite::is_read_only(error);
    }
    let _ = error;
    false
}
