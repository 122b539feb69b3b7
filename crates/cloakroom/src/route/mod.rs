//! What a route says of its requests: whether they count as activity, what they do without the store, what they load, and
//! how new that must be.

mod activity;
mod anonymous;
mod latest;
mod load;
mod service;

pub use self::activity::Activity;
pub use self::anonymous::AnonymousOnStoreFailure;
pub use self::latest::ReadLatest;
pub use self::service::RouteService;
