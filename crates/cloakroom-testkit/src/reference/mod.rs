mod harness;
mod kept;
mod rules;
mod store;

pub use harness::ReferenceHarness;
pub use store::ReferenceStore;
