use cloakroom_core::Error;

use super::error::{failed, is_deadlock};

/// How often an operation is tried that loses a deadlock each time.
const ATTEMPTS: u32 = 5;

/// Counts the attempts at an operation.
///
/// Where two transactions wait for each other the server undoes one of them, whole. So it is known that nothing of it was
/// stored, and trying it again repeats nothing. No other failure is tried again.
pub(super) struct Attempts {
    during: &'static str,
    left: u32,
}

impl Attempts {
    pub(super) fn new(during: &'static str) -> Self {
        Self { during, left: ATTEMPTS }
    }

    /// Returns the result; `None` if the operation is to be tried again.
    pub(super) fn settle<T>(&mut self, result: Result<T, sqlx::Error>) -> Option<Result<T, Error>> {
        self.left -= 1;
        match result {
            Err(error) if is_deadlock(&error) && self.left > 0 => None,
            result => Some(result.map_err(|error| failed(self.during, error))),
        }
    }
}
