use std::{fmt, io};

/// Why a server did not start, or does not do as it is told.
///
/// `Debug` prints the same as `Display`, so that a test that unwraps it shows it as it is meant to be read.
pub struct Error(Cause);

pub(crate) enum Cause {
    /// The program is not installed.
    Missing { program: &'static str, package: &'static str },
    /// The operating system refused.
    Io { during: &'static str, source: io::Error },
    /// A program that should have succeeded did not.
    Failed { program: String, output: String },
    /// The server ended by itself.
    Ended { program: String, log: String },
    /// What was waited for did not come.
    Late { what: &'static str, log: String },
    /// The server answered something else than it should.
    Unexpected { asked: String, answer: String },
}

impl Error {
    pub(crate) fn io(during: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self(Cause::Io { during, source })
    }
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self(cause)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Missing { program, package } => write!(
                f,
                "{program} is not installed; run tests/run, which installs it, or: apt-get install -y {package}"
            ),
            Cause::Io { during, source } => write!(f, "{during}: {source}"),
            Cause::Failed { program, output } => write!(f, "{program} failed:\n{output}"),
            Cause::Ended { program, log } => write!(f, "{program} has ended; its log:\n{log}"),
            Cause::Late { what, log } => write!(f, "{what} did not happen in time; the log:\n{log}"),
            Cause::Unexpected { asked, answer } => write!(f, "{asked} was answered with {answer}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Cause::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
