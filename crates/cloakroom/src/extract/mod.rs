//! The axum extractors.

mod attr;
mod attrs;
mod session;

pub use self::attrs::{AttributeSet, Attrs};
