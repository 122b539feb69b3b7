use std::time::Duration;

use cloakroom_core::ErrorKind;

/// What goes wrong with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It fails, and is not applied.
    Fail(ErrorKind),
    /// It is applied, but its answer is lost: the caller gets this error.
    LoseAnswer(ErrorKind),
    /// It is applied after this time of tokio's clock, which a test may pause.
    Delay(Duration),
    /// It is never applied, and never answered.
    Hang,
    /// It is applied, and never answered.
    HangApplied,
}
