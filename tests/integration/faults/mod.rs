//! What happens when a store or the way to it fails.

mod proxy;
