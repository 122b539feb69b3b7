//! The integration tests: over real HTTP against the testbed, with stores that fail, and in this process against a store that fails on demand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod documents;
mod faults;
mod http;
mod middleware;
mod near_cache;
mod support;
