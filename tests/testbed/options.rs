use std::time::Duration;

use axum::http::HeaderValue;
use cloakroom::{InvalidSigningKey, SigningKey};
use lexopt::prelude::*;

use crate::store::StoreUrl;

/// What the command line asks for. `None`: the library's default.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) listen: String,
    pub(crate) store: StoreUrl,
    pub(crate) max_inactive_interval: Option<Duration>,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) touch_every: Option<Duration>,
    pub(crate) rotation_grace: Option<Duration>,
    pub(crate) sweep_every: Option<Duration>,
    pub(crate) store_timeout: Option<Duration>,
    pub(crate) renew_every: Option<Duration>,
    /// The first signs.
    pub(crate) keys: Vec<SigningKey>,
    pub(crate) insecure_cookie: bool,
    pub(crate) node: Option<HeaderValue>,
    pub(crate) write_every: Option<Duration>,
    pub(crate) max_sessions_per_principal: Option<u32>,
    pub(crate) near_cache: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            store: StoreUrl::Memory,
            max_inactive_interval: None,
            max_lifetime: None,
            touch_every: None,
            rotation_grace: None,
            sweep_every: None,
            store_timeout: None,
            renew_every: None,
            keys: Vec::new(),
            insecure_cookie: false,
            node: None,
            write_every: None,
            max_sessions_per_principal: None,
            near_cache: false,
        }
    }
}

impl Options {
    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// When an option is unknown, malformed or not implemented yet.
    pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("listen") => options.listen = parser.value()?.string()?,
                Long("store") => options.store = parser.value()?.parse()?,
                Long("max-inactive-interval") => options.max_inactive_interval = Some(duration(&mut parser)?),
                Long("max-lifetime") => options.max_lifetime = Some(duration(&mut parser)?),
                Long("touch-every") => options.touch_every = Some(duration(&mut parser)?),
                Long("rotation-grace") => options.rotation_grace = Some(duration(&mut parser)?),
                Long("sweep-every") => options.sweep_every = Some(duration(&mut parser)?),
                Long("store-timeout") => options.store_timeout = Some(duration(&mut parser)?),
                Long("renew-every") => options.renew_every = Some(duration(&mut parser)?),
                Long("key") => options.keys.push(key(&mut parser)?),
                Long("insecure-cookie") => options.insecure_cookie = true,
                Long("node") => options.node = Some(parser.value()?.parse()?),
                Long("max-sessions-per-principal") => {
                    options.max_sessions_per_principal = Some(parser.value()?.parse()?);
                }
                Long("write-every") => options.write_every = Some(duration(&mut parser)?),
                Long("near-cache") => options.near_cache = true,
                unknown => return Err(unknown.unexpected()),
            }
        }
        Ok(options)
    }
}

/// Reads a duration such as `500ms`, `2s` or `30m`.
fn duration(parser: &mut lexopt::Parser) -> Result<Duration, lexopt::Error> {
    parser.value()?.parse_with(humantime::parse_duration)
}

/// Reads a key. What is wrong with it is told without showing it.
fn key(parser: &mut lexopt::Parser) -> Result<SigningKey, lexopt::Error> {
    parser.value()?.string()?.parse().map_err(|invalid: InvalidSigningKey| format!("--key: {invalid}").into())
}
