use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{Limits, Name, interval_millis};
use http::{HeaderMap, StatusCode};

use crate::cookie::CookieSettings;

/// Everything a [`SessionLayer`](crate::SessionLayer) can be told, with the defaults.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) cookie: CookieSettings,
    pub(crate) max_inactive_interval: Duration,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) touch_every: Duration,
    pub(crate) rotation_grace: Duration,
    pub(crate) limits: Limits,
    pub(crate) name_bytes: usize,
    pub(crate) store_timeout: Duration,
    pub(crate) load: LoadPolicy,
    pub(crate) every_request: bool,
    pub(crate) on_gone: OnGone,
    pub(crate) failed: Option<FailurePredicate>,
}

pub(crate) type FailurePredicate = Arc<dyn Fn(StatusCode, &HeaderMap) -> bool + Send + Sync>;

/// Which attributes a session is loaded with, beside those that its extractor names.
///
/// What was not loaded is fetched when it is first read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum LoadPolicy {
    /// None: what is read is fetched.
    #[default]
    OnDemand,
    /// These.
    Named(Arc<[Name]>),
    /// All.
    Everything,
}

/// What becomes of a response whose session ended while the request ran. The changes are lost either way, which is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnGone {
    /// It stands as the handler made it, without a cookie.
    #[default]
    LetStand,
    /// It is replaced by an empty one of this status.
    Respond(StatusCode),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cookie: CookieSettings::default(),
            max_inactive_interval: Duration::from_secs(30 * 60),
            max_lifetime: None,
            touch_every: Duration::from_secs(60),
            rotation_grace: Duration::from_secs(15),
            limits: Limits::default(),
            name_bytes: 256,
            store_timeout: Duration::from_secs(2),
            load: LoadPolicy::default(),
            every_request: false,
            on_gone: OnGone::default(),
            failed: None,
        }
    }
}

/// A grace is for requests that are under way. Longer than this, a ticket that was replaced is as good as a second one.
const MAX_GRACE: Duration = Duration::from_secs(60 * 60);

impl Settings {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.cookie.check()?;
        if interval_millis(self.max_inactive_interval).is_none() {
            return Err(ConfigError::new("the max inactive interval must be between 1 ms and 400 days"));
        }
        if self.max_lifetime.is_some_and(|lifetime| interval_millis(lifetime).is_none()) {
            return Err(ConfigError::new("the max lifetime must be between 1 ms and 400 days"));
        }
        if self.rotation_grace > MAX_GRACE {
            return Err(ConfigError::new("the rotation grace must be at most an hour"));
        }
        if self.store_timeout.is_zero() {
            return Err(ConfigError::new("the store timeout must be more than zero"));
        }
        if self.name_bytes == 0 || self.name_bytes > 256 {
            return Err(ConfigError::new("the limit on an attribute's name must be 1 to 256 bytes"));
        }
        Ok(())
    }

    /// Returns whether a response counts as failed, so that nothing of its request is committed.
    pub(crate) fn is_failed(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        match &self.failed {
            Some(failed) => failed(status, headers),
            None => status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("cookie", &self.cookie)
            .field("max_inactive_interval", &self.max_inactive_interval)
            .field("max_lifetime", &self.max_lifetime)
            .field("touch_every", &self.touch_every)
            .field("rotation_grace", &self.rotation_grace)
            .field("limits", &self.limits)
            .field("store_timeout", &self.store_timeout)
            .field("load", &self.load)
            .finish_non_exhaustive()
    }
}

/// Settings that contradict each other or cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(&'static str);

impl ConfigError {
    pub(crate) fn new(why: &'static str) -> Self {
        Self(why)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid session settings: {}", self.0)
    }
}

impl std::error::Error for ConfigError {}
