//! Timed writes: commits are held back in this node's memory and written together.
mod account;
mod batch;
mod builder;
mod clock;
mod known;
mod lane;
mod overlay;
mod shared;
mod state;
mod store;
mod writer;

pub use self::builder::WriteBehindBuilder;
pub use self::store::WriteBehind;
