//! HTTP session state for tower, axum and hyper.

mod codec;
mod config;
mod cookie;
mod error;
#[cfg(feature = "axum")]
mod extract;
mod layer;
#[cfg(feature = "memory")]
pub mod memory;
mod session;
mod sweeper;

pub use cloakroom_core as core;
#[cfg(feature = "sqlite")]
pub use cloakroom_sqlx::SqliteStore;

pub use cloakroom_core::{Handle, MAX_INTERVAL, MIN_INTERVAL, Name, Principal, SessionInfo, Store};

pub use crate::codec::Attribute;
pub use crate::config::{ConfigError, LoadPolicy, OnGone};
pub use crate::cookie::SameSite;
pub use crate::error::{Error, ErrorKind};
#[cfg(feature = "axum")]
pub use crate::extract::{AttributeSet, Attrs};
pub use crate::layer::{ResponseFuture, SessionBody, SessionLayer, SessionService};
#[cfg(feature = "memory")]
pub use crate::memory::MemoryStore;
pub use crate::session::{AsName, Attr, Session, Sessions};
pub use crate::sweeper::Sweeper;
