#![cfg_attr(feature = "sqlite", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "sqlite"),
    doc = "SQL session stores, each behind a feature: `sqlite`, `postgres`, `mysql`."
)]

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod attempts;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod error;
#[cfg(all(fuzzing, any(feature = "sqlite", feature = "mysql")))]
pub mod fuzzing;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod namespace;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "sqlite", feature = "mysql"))]
mod record;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "sqlite", feature = "mysql"))]
mod touch;

#[cfg(feature = "mysql")]
pub use mysql::MySqlStore;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use namespace::InvalidNamespace;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteDepot, SqliteStore};
