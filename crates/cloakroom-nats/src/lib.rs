#![doc = include_str!("../README.md")]

mod clock;
mod error;
mod jet;
mod mirror;
mod namespace;
mod pauses;
mod store;
mod subjects;
mod wire;

pub use mirror::MirrorState;
pub use namespace::InvalidNamespace;
pub use store::{NatsStore, NatsStoreBuilder, Storage};
