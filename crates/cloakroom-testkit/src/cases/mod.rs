//! The conformance cases.
//!
//! Each is a plain function that panics when the store fails it. Run them with
//! [`conformance!`](crate::conformance) or [`run_all`](crate::run_all), or call one by itself.

#![expect(clippy::missing_panics_doc, reason = "a case panics when the store fails it: that is its answer")]

pub mod access;
pub mod commit;
pub mod concurrency;
pub mod dropped;
pub mod expect;
pub mod expiry;
pub mod feed;
pub mod guard;
pub mod health;
pub mod held_back;
pub mod invalidate;
pub mod lease;
pub mod limits;
pub mod load;
pub mod max_sessions;
pub mod names;
pub mod namespaces;
pub mod principal;
pub mod races;
pub mod retry;
pub mod rotation;
pub mod sign_in;
pub mod sweep;
pub mod ttl;
pub mod values;
