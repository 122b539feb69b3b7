use cloakroom::{AtLimit, ConfigError, SessionLayer, Store};

use crate::options::Options;

/// Makes the layer that the options ask for.
///
/// # Errors
///
/// When the options contradict each other or are out of range.
pub(crate) fn layer(store: impl Store, options: &Options) -> Result<SessionLayer, ConfigError> {
    let mut layer = SessionLayer::new(store);
    if let Some(interval) = options.max_inactive_interval {
        layer = layer.max_inactive_interval(interval);
    }
    if let Some(lifetime) = options.max_lifetime {
        layer = layer.max_lifetime(lifetime);
    }
    if let Some(interval) = options.touch_every {
        layer = layer.touch_every(interval);
    }
    if let Some(grace) = options.rotation_grace {
        layer = layer.rotation_grace(grace);
    }
    if let Some(timeout) = options.store_timeout {
        layer = layer.store_timeout(timeout);
    }
    if let Some(age) = options.renew_every {
        layer = layer.renew_every(age);
    }
    if !options.keys.is_empty() {
        layer = layer.keys(options.keys.iter().cloned());
    }
    if options.insecure_cookie {
        layer = layer.insecure_cookie();
    }
    if let Some(count) = options.max_sessions_per_principal {
        layer = layer.max_sessions_per_principal(count, AtLimit::EndOldest);
    }
    layer.check()
}
