//! HTTP session state for tower, axum and hyper.
//!
//! The browser holds a *ticket* (a cookie), a store that all servers share holds the *attributes*, and only what a request
//! changed is carried back.
//!
//! ```
//! use axum::{Router, response::Redirect, routing::post};
//! use cloakroom::{Attr, Attribute, MemoryStore, Session, SessionLayer};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Cart {
//!     items: Vec<String>,
//! }
//!
//! impl Attribute for Cart {
//!     const NAME: &'static str = "cart";
//! }
//!
//! async fn add_to_cart(mut cart: Attr<Cart>, item: String) {
//!     cart.items.push(item); // noticed; `cart` alone is written back, before the response leaves
//! }
//!
//! async fn logout(session: Session) -> Redirect {
//!     session.invalidate(); // gone from the store before the response leaves; cookie removed
//!     Redirect::to("/")
//! }
//!
//! let app: Router = Router::new()
//!     .route("/cart", post(add_to_cart))
//!     .route("/logout", post(logout))
//!     .layer(SessionLayer::new(MemoryStore::new()));
//! # let _ = app;
//! ```
//!
//! # Where to look
//!
//! - [`SessionLayer`]: the middleware, and every setting with its default.
//! - [`Session`]: what a handler can do; [`Attr`] and [`Attrs`]: attributes by reference; [`Attribute`]: their types.
//! - [`Flash`]: messages for the visitor's next page.
//! - [`MemoryStore`], and `RedisStore`, `PostgresStore`, `MySqlStore`, `SqliteStore`, `FileStore` and `NatsStore`, each behind a feature.
//!   [`core`] is the contract for others. [`PassivatingStore`]: memory with a limit, beyond which sessions go to disk.
//! - [`NearCache`]: keeps what this node serves in its memory, before a store that tells of changes. [`WriteBehind`]: holds
//!   commits back, and writes those of a session together.
//! - [`Sweeper`]: removes what has expired. [`SessionListener`]: is told what happens to sessions. [`SessionRegistry`]:
//!   lists and ends sessions without a request.
//!
//! # Features
//!
//! `axum` (default): the extractors, and [`Error`] as a response. `encryption`: attribute values encrypted in the store.
//! `file`: `FileStore`. `memory` (default): [`MemoryStore`]. `metrics`: counters through the `metrics` facade, see `docs/metrics.md`. `mysql`,
//! `nats`, `postgres`, `redis`, `sqlite`: the stores of these names. `signed`: [`SessionLayer::keys`](SessionLayer#method.keys).

mod at_rest;
mod codec;
mod config;
mod cookie;
mod error;
mod events;
#[cfg(feature = "axum")]
mod extract;
mod foresight;
#[cfg(all(fuzzing, feature = "encryption"))]
pub mod fuzzing;
mod layer;
#[cfg(feature = "memory")]
pub mod memory;
mod near_cache;
#[cfg(feature = "memory")]
pub mod passivation;
mod registry;
mod route;
mod session;
mod sweeper;
mod telemetry;
mod timeouts;
pub mod write_behind;

pub use cloakroom_core as core;
#[cfg(feature = "file")]
pub use cloakroom_file::FileStore;
#[cfg(feature = "nats")]
pub use cloakroom_nats::NatsStore;
#[cfg(feature = "redis")]
pub use cloakroom_redis::RedisStore;
#[cfg(feature = "mysql")]
pub use cloakroom_sqlx::MySqlStore;
#[cfg(feature = "postgres")]
pub use cloakroom_sqlx::PostgresStore;
#[cfg(feature = "sqlite")]
pub use cloakroom_sqlx::{SqliteDepot, SqliteStore};

pub use cloakroom_core::{
    AtLimit, EndReason, Handle, MAX_INTERVAL, MIN_INTERVAL, Name, Principal, SessionInfo, Store,
};

#[cfg(feature = "encryption")]
pub use crate::at_rest::{Encryption, EncryptionKey, InvalidEncryptionKey};
pub use crate::codec::Attribute;
pub use crate::config::{ConfigError, Contents, LoadPolicy, OnGone, OnUndecodable};
pub use crate::cookie::SameSite;
#[cfg(feature = "signed")]
pub use crate::cookie::{InvalidSigningKey, SigningKey};
pub use crate::error::{Error, ErrorKind};
pub use crate::events::{AskedBy, Order, SessionDetails, SessionEvent, SessionListener};
#[cfg(feature = "axum")]
pub use crate::extract::{AttributeSet, Attrs, RecentSignIn, TimeLeft, UpToDate};
pub use crate::layer::{ResponseFuture, SessionBody, SessionLayer, SessionService, SiteData, StoreFailed};
#[cfg(feature = "memory")]
pub use crate::memory::MemoryStore;
pub use crate::near_cache::{NearCache, NearCacheBuilder, NoFeed};
#[cfg(feature = "memory")]
pub use crate::passivation::{ActivationListener, PassivatingStore};
pub use crate::registry::SessionRegistry;
pub use crate::route::{Activity, AnonymousOnStoreFailure, ReadLatest, RouteService};
pub use crate::session::{Attr, Flash, FlashLevel, FlashMessage, IntoName, Session, Sessions};
pub use crate::sweeper::Sweeper;
#[cfg(feature = "metrics")]
pub use crate::telemetry::describe_metrics;
pub use crate::timeouts::Timeouts;
pub use crate::write_behind::WriteBehind;

/// The examples in the README compile.
#[cfg(all(doctest, feature = "axum", feature = "memory"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
