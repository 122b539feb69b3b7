//! Stores that are broken on purpose: the kit's test of itself.
//!
//! Each has one [`Flaw`], the kind that a store in the field has, and [`Flaw::caught_by`] names the cases that must fail
//! on it. A kit whose cases pass on a broken store proves nothing; so if you add a case, add the flaw that it is for.
//!
//! ```
//! use cloakroom_testkit::broken::{BrokenHarness, Flaw};
//! use cloakroom_testkit::run_matching;
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let make = || BrokenHarness::new(Flaw::AppliesARetryTwice);
//! let report = run_matching(make, |case| case.starts_with("retry::")).await;
//! let failed = report.failures().any(|verdict| verdict.name() == "retry::a_change_is_applied_once");
//! assert!(failed);
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

mod commit;
mod flaw;
mod harness;
mod load;
mod store;
mod sweep;

pub use flaw::Flaw;
pub use harness::BrokenHarness;
pub use store::BrokenStore;
