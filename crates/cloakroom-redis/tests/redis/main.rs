//! The Redis store against real servers.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic as the test does")]

mod clients;
mod conformance;
mod cost;
mod damaged;
mod deadlines;
mod feed;
mod index;
mod memory;
mod recovery;
mod replicas;
mod scripts;
mod secrets;
mod support;
