#![doc = include_str!("../README.md")]

mod clock;
mod error;
mod jet;
mod namespace;
mod store;
mod subjects;
mod wire;

pub use namespace::InvalidNamespace;
pub use store::{NatsStore, NatsStoreBuilder, Storage};
