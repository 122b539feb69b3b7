//! That the servers start, fail as they are told, and end.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod cluster;
mod ending;
mod postgres;
mod sentinel;
mod standalone;
