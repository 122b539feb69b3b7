use std::error::Error as StdError;
use std::fmt;

/// A store's failure: the backend could not be reached, or did something it should not.
///
/// Reserved for that. A session that is absent, expired, or refused is an answer, never an error.
/// `Display` prints this level only; [`source`](StdError::source) keeps the driver's own error.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    during: &'static str,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The backend could not be reached, or broke off. Whether a commit was applied is unknown; trying it once more
    /// with the same [`CommitId`](crate::CommitId) gives the first answer.
    Unavailable,
    /// No answer within the time allowed. Whether a commit was applied is unknown.
    Timeout,
    /// The backend answered that it cannot take more: memory, disk, connections.
    Full,
    /// A stored record cannot be read: damaged, or written by a newer version.
    Corrupt,
    /// The backend refused: a missing table, a missing permission, a setting that cannot work.
    Refused,
    /// Anything else.
    Other,
}

impl Error {
    /// Makes an error of `kind` that happened `during` an operation, such as `"load"`.
    pub fn new(
        kind: ErrorKind,
        during: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, during, source: Some(source.into()) }
    }

    /// Makes an error without a cause of its own.
    #[must_use]
    pub fn of(kind: ErrorKind, during: &'static str) -> Self {
        Self { kind, during, source: None }
    }

    /// Returns what kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns whether the same operation may succeed if tried again at once on another connection.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.kind == ErrorKind::Unavailable
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::Unavailable => "the session store is unavailable",
            ErrorKind::Timeout => "the session store did not answer in time",
            ErrorKind::Full => "the session store is full",
            ErrorKind::Corrupt => "a stored session cannot be read",
            ErrorKind::Refused => "the session store refused",
            ErrorKind::Other => "the session store failed",
        };
        write!(f, "{what} ({})", self.during)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
