#![doc = include_str!("../README.md")]

mod builder;
mod commit;
mod end;
mod error;
mod files;
mod format;
mod inner;
mod job;
mod load;
mod lock;
mod place;
mod principal;
mod prune;
mod session;
mod state;
mod store;
mod sweep;
mod time;

pub use builder::{Durability, FileStoreBuilder};
pub use store::FileStore;
