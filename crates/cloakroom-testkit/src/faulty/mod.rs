//! A store around a store that fails, hangs and waits on command: for the tests of what stands before a store.
//!
//! [`Faulty`] forwards everything, and [`Faults`] tells it what to do with which [`Operation`]:
//!
//! - [`Faults::inject`] and [`Faults::inject_times`] make operations go wrong: see [`Fault`].
//! - [`Faults::hold`] and [`Faults::hold_next`] stop operations at a [`Gate`], before or after they are applied, until they
//!   are told to go on. A test waits at the gate until an operation has arrived, so that nothing needs to sleep.
//! - [`Faults::calls`] and [`Faults::count`] tell what was asked of the store.
//!
//! ```
//! use cloakroom_core::{ErrorKind, Store as _};
//! use cloakroom_testkit::ReferenceStore;
//! use cloakroom_testkit::faulty::{Fault, Faulty, Moment, Operation};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Faulty::new(ReferenceStore::default());
//! let faults = store.faults();
//!
//! faults.inject_times(Operation::Ping, 1, Fault::Fail(ErrorKind::Unavailable));
//! assert!(store.ping().await.is_err());
//! store.ping().await?;
//!
//! let gate = faults.hold(Operation::Ping, Moment::Before);
//! let held = tokio::spawn(async move { store.ping().await });
//! gate.arrived().await;
//! assert_eq!(faults.count(Operation::Ping), 3);
//! gate.open();
//! held.await??;
//! # Ok(())
//! # }
//! ```

mod call;
mod fault;
mod faults;
mod gate;
mod store;

pub use call::{Call, Operation};
pub use fault::Fault;
pub use faults::Faults;
pub use gate::{Gate, Moment};
pub use store::Faulty;
