//! What a route says of its requests: whether they count as activity, and what they do without the store.

mod activity;
mod anonymous;
mod service;

pub use self::activity::Activity;
pub use self::anonymous::AnonymousOnStoreFailure;
pub use self::service::RouteService;
