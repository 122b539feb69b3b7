//! What a route says of its requests: whether they count as activity, what they do without the store, and what they load.

mod activity;
mod anonymous;
mod load;
mod service;

pub use self::activity::Activity;
pub use self::anonymous::AnonymousOnStoreFailure;
pub use self::service::RouteService;
