//! The MySQL and MariaDB store against a real server.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic as the test does")]

mod conformance;
mod cost;
mod damaged;
mod deadlocks;
mod dropped;
mod errors;
mod locks;
mod own;
mod pool;
mod read_only;
mod recovery;
mod relations;
mod schema;
mod secrets;
mod support;
