//! What the benchmarks and the subjects that they measure agree on. See `benches/subjects.md`.

pub mod listed;
pub mod protocol;

use std::error::Error;

/// A result whose error is only shown.
pub type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;
