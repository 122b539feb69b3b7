//! The memory store with a limit, beyond which sessions go to disk.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic as the test does")]

mod bounds;
mod conformance;
mod depot;
mod ends;
mod layer;
mod listeners;
mod moves;
mod restart;
mod support;
mod traffic;
