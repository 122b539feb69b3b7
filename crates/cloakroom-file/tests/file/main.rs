//! The file store on a real file system.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic as the test does")]

mod clock;
mod compaction;
mod conformance;
mod cost;
mod crash;
mod damaged;
mod files;
mod full;
mod index;
mod locks;
mod processes;
mod secrets;
mod settled;
mod support;
mod sweep;
mod touch;
