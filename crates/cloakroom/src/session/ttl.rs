use std::time::{Duration, Instant};

use cloakroom_core::{MAX_INTERVAL, MIN_INTERVAL, Timestamp, interval_millis};
use serde::Serialize;

use super::Session;
use super::access::{IntoName, name_of};
use crate::codec::Attribute;
use crate::error::Error;

/// Attributes that lapse by themselves.
///
/// An attribute whose time to live has passed is absent, by the store's clock, as an expired session is. A request that
/// outlasts it asks the store again. Accesses do not prolong it. A later change in place, through an [`Attr`](crate::Attr)
/// or [`update`](Self::update), keeps the running time: it ends no earlier, and later by no more than the request took.
/// Setting the attribute anew replaces it.
impl Session {
    /// Sets an attribute that lapses by itself after `ttl`, counted from the commit, unless the session ends first.
    /// Always written, since its time begins anew.
    ///
    /// For a one-time code, together with [`take_once`](Self::take_once):
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cloakroom::{Attribute, Error, Session};
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Code(String);
    ///
    /// impl Attribute for Code {
    ///     const NAME: &'static str = "code";
    /// }
    ///
    /// async fn send(session: &Session, code: String) -> Result<(), Error> {
    ///     session.set_for(&Code(code), Duration::from_secs(5 * 60))
    /// }
    ///
    /// /// One attempt: right or wrong, the code is gone.
    /// async fn is_right(session: &Session, entered: &str) -> Result<bool, Error> {
    ///     let code = session.take_once::<Code>().await?;
    ///     Ok(code.is_some_and(|Code(code)| code == entered))
    /// }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// # let session = Session::for_test();
    /// send(&session, "271828".to_owned()).await?;
    /// assert!(is_right(&session, "271828").await?);
    /// assert!(!is_right(&session, "271828").await?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set), and [`InvalidInterval`](crate::ErrorKind::InvalidInterval) for a time outside
    /// [`MIN_INTERVAL`] to [`MAX_INTERVAL`].
    pub fn set_for<T: Attribute>(&self, value: &T, ttl: Duration) -> Result<(), Error> {
        self.set_named_for(name_of::<T>(), value, ttl)
    }

    /// Sets the attribute of this name, which lapses by itself after `ttl`.
    ///
    /// # Errors
    ///
    /// As [`set_for`](Self::set_for), and [`InvalidText`](crate::ErrorKind::InvalidText) for an impossible name.
    pub fn set_named_for<T: Serialize + ?Sized>(
        &self,
        name: impl IntoName,
        value: &T,
        ttl: Duration,
    ) -> Result<(), Error> {
        interval_millis(ttl).ok_or_else(Error::invalid_interval)?;
        self.put(name, value, Some(ttl))
    }
}

/// Returns the time to live of an attribute's type. An impossible one does not compile.
pub(super) fn ttl_of<T: Attribute>() -> Option<Duration> {
    const { possible(T::TTL) }
}

const fn possible(ttl: Option<Duration>) -> Option<Duration> {
    if let Some(ttl) = ttl {
        let millis = ttl.as_millis();
        assert!(
            millis >= MIN_INTERVAL.as_millis() && millis <= MAX_INTERVAL.as_millis(),
            "a time to live must be between 1 ms and 400 days"
        );
    }
    ttl
}

/// The store's time when it was last seen, and when that was by this machine's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoreTime {
    then: Timestamp,
    seen: Instant,
}

impl StoreTime {
    pub(super) fn seen(now: Timestamp) -> Self {
        Self { then: now, seen: Instant::now() }
    }

    /// Returns how far a moment is away. One that has passed is as near as a time to live may be.
    pub(super) fn left_until(&self, moment: Timestamp) -> Duration {
        moment.since(self.now()).max(MIN_INTERVAL)
    }

    pub(super) fn has_passed(&self, moment: Timestamp) -> bool {
        moment <= self.now()
    }

    fn now(&self) -> Timestamp {
        self.then.plus(self.seen.elapsed())
    }
}
