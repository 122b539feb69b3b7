//! Conformance cases, broken stores and fault injection for Cloakroom session stores.
//!
//! If you write a session store, this crate tells you when it is right. It holds a [`Store`] to every sentence of its
//! contract that can be seen from outside, in some 240 [`cases`] which run in a few seconds.
//!
//! # A store of your own, step by step
//!
//! **1. Read the contract**: the documentation of [`Store`] and of [`Record`], which has all the rules as plain functions.
//! Then read [`ReferenceStore`], a whole store in some 300 lines. If your backend can run Rust between reading and writing (a map,
//! a file, an SQL transaction), use `Record` as it does; what is left for you is to make each operation one atomic step.
//!
//! **2. Add the kit** to the `[dev-dependencies]`: `cloakroom-testkit`. It needs nothing else; it brings its own runtime.
//!
//! **3. Write a [`Harness`]**, which makes an empty store for each case and lets time pass for it. Where your store reads the
//! time from a [`Clock`], give it a [`ManualClock`]: the cases then take no time at all, and also check the very moment of
//! each deadline.
//!
//! **4. Call [`conformance!`]** in a module of a test file. Each case becomes a test of its own.
//!
//! ```
//! # use cloakroom_testkit::ReferenceStore as MyStore;
//! use std::time::Duration;
//!
//! use cloakroom_testkit::{Harness, ManualClock};
//!
//! /// One empty place for sessions: here a map, for you perhaps a temporary file or a namespace of a random name.
//! struct MyHarness {
//!     clock: ManualClock,
//!     store: MyStore,
//! }
//!
//! impl MyHarness {
//!     async fn new() -> Self {
//!         let clock = ManualClock::default();
//!         let store = MyStore::new(clock.clone());
//!         Self { clock, store }
//!     }
//! }
//!
//! impl Harness for MyHarness {
//!     type Store = MyStore;
//!
//!     async fn store(&self) -> MyStore {
//!         self.store.clone()
//!     }
//!
//!     async fn neighbour(&self) -> MyStore {
//!         self.store.in_namespace("neighbour")
//!     }
//!
//!     fn unit(&self) -> Duration {
//!         Duration::from_secs(10)
//!     }
//!
//!     async fn advance(&self, by: Duration) {
//!         self.clock.advance(by);
//!     }
//!
//!     fn is_exact(&self) -> bool {
//!         true
//!     }
//! }
//!
//! mod conformance {
//!     use super::MyHarness;
//!
//!     cloakroom_testkit::conformance!(MyHarness::new);
//! }
//! # fn main() {}
//! ```
//!
//! If the store goes by a server's clock, `advance` is `tokio::time::sleep`, `unit` is some 300 ms, and `is_exact` is `false`;
//! see [`Harness`] for the margins. Then the cases sleep most of the time, and should run side by side.
//!
//! **5. Run it**: `cargo test conformance::load`, then `conformance::commit`, and so on in the order of the list. A case that
//! fails says what it expected and what it got; its name and its one sentence say which rule that is. Or call [`run_all`],
//! which returns a [`Report`] of all cases at once. Where several requests are at work at once, a case calls a store
//! stuck that takes longer than 50 seconds, and no case may take longer than three minutes.
//!
//! # What the cases cannot see
//!
//! Test these yourself: that a stored record which cannot be read is [`ErrorKind::Corrupt`] and harms no other session; that a
//! backend which is away is an error, and no answer; that nothing stored opens a session; how many round trips an operation
//! takes; and that what is garbage is collected in the end. The cases for a [`Feed`] pass where a store has none.
//!
//! # What else is here
//!
//! - [`faulty`]: a store around a store that fails, hangs and waits on command, to test what stands *before* a store.
//! - [`broken`]: stores that are broken on purpose. The kit must catch each of them; they are its test of itself.
//!
//! [`Store`]: cloakroom_core::Store
//! [`Record`]: cloakroom_core::Record
//! [`Clock`]: cloakroom_core::Clock
//! [`ErrorKind::Corrupt`]: cloakroom_core::ErrorKind::Corrupt
//! [`Feed`]: cloakroom_core::Feed

pub mod broken;
pub mod cases;
mod clock;
pub mod faulty;
mod harness;
mod list;
mod reference;
mod run;
mod support;
mod watched;

pub use clock::ManualClock;
pub use harness::Harness;
pub use reference::{ReferenceHarness, ReferenceStore};
pub use run::{Case, Report, Verdict, list, run_all, run_case, run_matching};
