//! Timed writes: the conformance cases around the in-memory store, and what happens while writes are under way or fail.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod bounds;
mod conformance;
mod ending;
mod failing;
mod merging;
mod races;
mod support;
mod timing;
mod two_nodes;
