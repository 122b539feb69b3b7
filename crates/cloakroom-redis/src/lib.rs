#![doc = include_str!("../README.md")]

mod client;
mod error;
mod feed;
mod keys;
mod namespace;
mod scripts;
mod store;
mod wire;

pub use client::Unacknowledged;
pub use namespace::InvalidNamespace;
pub use store::RedisStore;
