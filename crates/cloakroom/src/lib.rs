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
//! - [`MemoryStore`], and `SqliteStore` behind the feature `sqlite`. [`core`] is the contract for others.
//! - [`Sweeper`]: removes what has expired.
//!
//! # Features
//!
//! `axum` (default): the extractors, and [`Error`] as a response. `memory` (default): [`MemoryStore`]. `sqlite`:
//! `SqliteStore`, through sqlx.

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
pub use crate::session::{Attr, IntoName, Session, Sessions};
pub use crate::sweeper::Sweeper;

/// The examples in the README compile.
#[cfg(all(doctest, feature = "axum", feature = "memory"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
