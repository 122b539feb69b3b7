use std::fmt;
use std::io;
use std::path::PathBuf;

use cloakroom_core::{Error, ErrorKind, InvalidRecord};
use rustix::io::Errno;

/// Why an operation came to nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    Io(io::Error),
    Damaged(Damaged),
    Unfit(Unfit),
    /// A lock was not to be had in time. Nothing has changed.
    Busy,
    /// The same, or anything else, in the midst of ending a principal's sessions. The same request does the rest.
    Midway(Box<Self>),
    /// Nobody waits for the answer any more. Nothing has changed.
    Abandoned,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// A file that is not what this version writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damaged {
    /// It was written in this format.
    Format(u8),
    /// This part of it is not what was written.
    Part(&'static str),
}

/// Why a directory cannot hold a store.
#[derive(Debug)]
pub(crate) enum Unfit {
    NotADirectory(PathBuf),
    OpenToOthers(PathBuf, u32),
    Layout(PathBuf, String),
}

impl Failure {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => io_kind(error),
            Self::Damaged(_) => ErrorKind::Corrupt,
            Self::Unfit(_) => ErrorKind::Refused,
            Self::Busy => ErrorKind::Timeout,
            Self::Midway(_) => ErrorKind::Unavailable,
            Self::Abandoned => ErrorKind::Other,
        }
    }

    pub(crate) fn during(self, operation: &'static str) -> Error {
        Error::new(self.kind(), operation, self)
    }

    /// Returns whether the file was removed or replaced on its server while this process had it open.
    pub(crate) fn is_stale(&self) -> bool {
        matches!(self, Self::Io(error) if Errno::from_io_error(error) == Some(Errno::STALE))
    }
}

fn io_kind(error: &io::Error) -> ErrorKind {
    match Errno::from_io_error(error) {
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG | Errno::MFILE | Errno::NFILE | Errno::MLINK) => {
            ErrorKind::Full
        }
        Some(Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::LOOP | Errno::NOLCK) => ErrorKind::Refused,
        Some(Errno::TIMEDOUT) => ErrorKind::Timeout,
        _ => ErrorKind::Unavailable,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Damaged(damaged) => damaged.fmt(f),
            Self::Unfit(unfit) => unfit.fmt(f),
            Self::Busy => f.write_str("somebody else has kept the lock for too long"),
            Self::Midway(failure) => {
                write!(
                    f,
                    "not all sessions have ended that had to, and what was asked may be done otherwise: {failure}"
                )
            }
            Self::Abandoned => f.write_str("nobody waits for the answer any more"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            Self::Midway(failure) => failure.source(),
            _ => None,
        }
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(found) => {
                write!(f, "the session's file has format {found}, which this version does not read")
            }
            Self::Part(part) => write!(f, "the {part} in the session's file is damaged"),
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADirectory(path) => write!(f, "{} is not a directory", path.display()),
            Self::OpenToOthers(path, mode) => write!(
                f,
                "others may write to {} (mode {mode:o}): it must belong to this service alone, as with chmod 700",
                path.display()
            ),
            Self::Layout(path, found) => {
                write!(f, "{} is of a layout that this version does not know: {found:?}", path.display())
            }
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Errno> for Failure {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

impl From<Damaged> for Failure {
    fn from(damaged: Damaged) -> Self {
        Self::Damaged(damaged)
    }
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

impl From<InvalidRecord> for Damaged {
    fn from(invalid: InvalidRecord) -> Self {
        match invalid {
            InvalidRecord::Format(found) => Self::Format(found),
            InvalidRecord::Damaged => Self::Part("record"),
        }
    }
}

/// Takes "there is none" for an answer.
pub(crate) fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
