//! The NATS store against real servers.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic as the test does")]

mod conformance;
mod mirror;
mod recovery;
mod sign_in;
mod stored;
mod support;
