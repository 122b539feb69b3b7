use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The shortest max inactive interval or lifetime: one millisecond.
pub const MIN_INTERVAL: Duration = Duration::from_millis(1);

/// The longest max inactive interval or lifetime: 400 days, the most that a user agent keeps a cookie
/// ([RFC 6265bis, 5.5](https://datatracker.ietf.org/doc/draft-ietf-httpbis-rfc6265bis/)).
pub const MAX_INTERVAL: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Returns `interval` in whole milliseconds, or `None` outside [`MIN_INTERVAL`] to [`MAX_INTERVAL`].
#[must_use]
pub fn interval_millis(interval: Duration) -> Option<u64> {
    let allowed = (MIN_INTERVAL..=MAX_INTERVAL).contains(&interval);
    allowed.then(|| millis(interval))
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A moment of a store's clock, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Wraps milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns the moment `later` after this one.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(millis(later)))
    }

    /// Returns the moment `earlier` before this one.
    #[must_use]
    pub fn minus(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(millis(earlier)))
    }

    /// Returns how long this is after `earlier`; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).map_or(0, millis))
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        UNIX_EPOCH + Duration::from_millis(time.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// Counts a session's commits: 1 after the one that created it. An attribute's *revision* is the version of the
/// commit that last wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl Version {
    /// Returns the version after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Where an embedded store reads the time. A store on a server uses that server's clock instead.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}

/// The machine's clock. It may be set back by an administrator; a session's last access still never goes backward.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}
