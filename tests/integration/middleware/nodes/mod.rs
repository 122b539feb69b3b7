//! Two nodes on one store, in this process: every feature on every store. What each store must do alone is in the testkit.

mod activity;
mod encryption;
mod expired;
mod flash;
mod max_sessions;
mod one_time;
mod pair;
mod registry;
mod step_up;
mod store_fails;
mod tls;
mod told;
mod ttl;
mod undecodable;
