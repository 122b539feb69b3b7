//! The SQLite store on real files.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic as the test does")]

mod busy;
mod conformance;
mod cost;
mod damaged;
mod depot;
mod dropped;
mod errors;
mod files;
mod full;
mod processes;
mod relations;
mod schema;
mod secrets;
mod support;
