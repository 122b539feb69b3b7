//! The PostgreSQL store against a real server.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic as the test does")]

mod conformance;
mod cost;
mod damaged;
mod deadlocks;
mod dropped;
mod ending;
mod errors;
mod feed;
mod outage;
mod pooler;
mod schema;
mod secrets;
mod support;
mod waiting;
