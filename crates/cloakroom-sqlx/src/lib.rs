#![cfg_attr(feature = "sqlite", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "sqlite"), doc = "SQL session stores, each behind a feature: `sqlite`.")]

#[cfg(feature = "sqlite")]
mod error;
#[cfg(feature = "sqlite")]
mod namespace;
#[cfg(feature = "sqlite")]
mod record;
#[cfg(feature = "sqlite")]
pub mod sqlite;

#[cfg(feature = "sqlite")]
pub use namespace::InvalidNamespace;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
