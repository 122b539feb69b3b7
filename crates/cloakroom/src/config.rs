use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{Limits, MaxSessions, Name, interval_millis};
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri};

use crate::cookie::{CookieSettings, OwnHeader, Signer, Tracker};
use crate::layer::ClearSiteData;
use crate::route::Activity;

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
    pub(crate) contents: Contents,
    pub(crate) every_request: bool,
    pub(crate) on_gone: OnGone,
    pub(crate) on_undecodable: OnUndecodable,
    #[cfg(feature = "encryption")]
    pub(crate) encryption: Option<crate::at_rest::Encryption>,
    pub(crate) failed: Option<FailurePredicate>,
    pub(crate) renew_every: Option<Duration>,
    pub(crate) activity: Option<ActivityRule>,
    pub(crate) clear_site_data: Option<Arc<ClearSiteData>>,
    pub(crate) header: Option<HeaderName>,
    pub(crate) track_versions: bool,
    #[cfg(feature = "signed")]
    pub(crate) keys: Option<Arc<[crate::cookie::SigningKey]>>,
    pub(crate) max_sessions: Option<MaxSessions>,
    pub(crate) listener_timeout: Duration,
}

pub(crate) type ActivityRule = Arc<dyn Fn(&Method, &Uri, &HeaderMap) -> Activity + Send + Sync>;

pub(crate) type FailurePredicate = Arc<dyn Fn(StatusCode, &HeaderMap) -> bool + Send + Sync>;

/// Which attributes a session is loaded with, beside those that its extractor names.
///
/// What was not loaded is fetched when it is first read. Reads that are polled together, as by `tokio::join!`, share one
/// fetch. Whatever the policy, what a request reads is the same, and of one snapshot: only the round trips and the bytes
/// differ.
///
/// It is a `tower` layer too, for single routes *inside* the [`SessionLayer`](crate::SessionLayer), where it takes the place
/// of [what the session layer says](crate::SessionLayer::load); where several are around a handler, the innermost counts.
///
/// ```
/// # use axum::{Router, routing::get};
/// # use cloakroom::{LoadPolicy, MemoryStore, Name, Session, SessionLayer};
/// # async fn search(_: Session) {} async fn export(_: Session) {} async fn home(_: Session) {}
/// const FILTER: Name = Name::from_static("filter");
///
/// let app: Router = Router::new()
///     .route("/search", get(search).layer(LoadPolicy::Named([FILTER].into())))
///     .route("/export", get(export).layer(LoadPolicy::Everything))
///     .route("/", get(home)) // what its requests read is learned
///     .layer(SessionLayer::new(MemoryStore::new()));
/// # let _ = app;
/// ```
///
/// # What is foreseen
///
/// With [`Foreseen`](Self::Foreseen), the layer learns for each route which attributes its requests read, and loads those with
/// the session, in the one round trip.
///
/// - **A route** is a method and the path in axum's router that the request matches. Elsewhere it is a method and the path's
///   first three segments at most, up to the first that has a digit or more than 32 bytes. It is remembered from the first
///   request that has to fetch something: where extractors name all that is read, there is nothing to learn.
/// - **A read** is whatever needs a value from the store: [`get`](crate::Session::get), [`Attr`](crate::Attr),
///   [`contains`](crate::Session::contains), [`take`](crate::Session::take), [`update`](crate::Session::update), also where
///   the attribute is absent. Setting or removing is none.
/// - **What half of the requests read** is foreseen, until fewer than a quarter do. The first 16 requests of a route count
///   alike, so that the second has what the first had to fetch; from then on each counts a sixteenth: what all of them begin
///   to read is foreseen from the twelfth on, and what none reads any more is given up after 22.
/// - **Above 8 KiB** on the average, an attribute is foreseen once 16 requests were seen and 15 of 16 read it, until fewer
///   than 7 of 8 do.
/// - **Requests that failed** or were cut off count for what they have read, and not against what they have not.
/// - **It is bounded**: each layer remembers 1,024 routes, those in use last, and of each 64 names, those read most. Neither
///   paths nor values are kept, but a hash of the path. Names are, up to 256 bytes each.
/// - **It is the process's own**: not shared between servers, and gone with a restart. Given the order in which requests
///   end, it depends on nothing else: no clock, no chance.
///
/// A store that has [its answers at once](crate::Store::AT_ONCE), such as the one in memory, gains nothing from it: there it
/// is as [`OnDemand`](Self::OnDemand). How well it works is [counted](crate#features).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum LoadPolicy {
    /// What requests of the same route have read before.
    #[default]
    Foreseen,
    /// None: what is read is fetched.
    OnDemand,
    /// These.
    Named(Arc<[Name]>),
    /// All.
    Everything,
}

/// What a commit carries.
///
/// [`Changed`](Self::Changed) is what Cloakroom is made for. [`Everything`](Self::Everything) is there to compare with it, and
/// for whoever is used to servers that replicate whole sessions. Either way a commit is atomic: all of it is visible, or none.
///
/// # What everything costs
///
/// Each use of a session loads all of it, whatever a route's [`LoadPolicy`] says, and each commit writes all of it: the bytes are
/// those of the session, not of the change. A request that changes nothing writes nothing.
///
/// # What everything loses
///
/// **Two requests at once overwrite each other**, also where they change different attributes: the later commit writes what
/// its request had loaded. What one has removed meanwhile, the other brings back; what one has added stays, for a commit
/// only writes. Only [`update`](crate::Session::update) and [`take_once`](crate::Session::take_once) still compare and carry
/// their attribute alone, so that they lose nothing of each other; the next whole commit of a request that had loaded before
/// writes over them all the same.
///
/// An attribute that lapses by itself keeps its running time: it ends no earlier, and later by no more than the request took.
/// A value that cannot be decrypted is left as it is. What only renews a ticket carries no attribute.
///
/// ```
/// # use cloakroom::{Contents, MemoryStore, SessionLayer};
/// let layer = SessionLayer::new(MemoryStore::new()).contents(Contents::Everything);
/// # let _ = layer;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Contents {
    /// The attributes that the request has changed.
    #[default]
    Changed,
    /// All attributes of the session.
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

/// What is done about a stored value that cannot be decoded: its type has changed, it was damaged or altered, or the key
/// that it was encrypted with is gone. It is logged either way, and harms no other attribute.
///
/// A value that the request itself has set, and then asks for as another type, is always an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnUndecodable {
    /// Whoever reads it gets [`ErrorKind::Undecodable`](crate::ErrorKind::Undecodable), which names the attribute. The
    /// value stays as it is until it is removed or set anew.
    #[default]
    Fail,
    /// The attribute is removed at once, and read as absent. Only the value that was found: one that another request has
    /// set meanwhile is read instead. Mind rolling deploys: an old server drops what a new one has written.
    DropAttribute,
    /// The session is invalidated, and the request goes on with a new one, as after
    /// [`invalidate`](crate::Session::invalidate).
    DropSession,
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
            contents: Contents::default(),
            every_request: false,
            on_gone: OnGone::default(),
            on_undecodable: OnUndecodable::default(),
            #[cfg(feature = "encryption")]
            encryption: None,
            failed: None,
            renew_every: None,
            activity: None,
            clear_site_data: None,
            header: None,
            track_versions: false,
            #[cfg(feature = "signed")]
            keys: None,
            max_sessions: None,
            listener_timeout: Duration::from_secs(5),
        }
    }
}

/// A grace is for requests that are under way. Longer than this, a ticket that was replaced is as good as a second one.
const MAX_GRACE: Duration = Duration::from_secs(60 * 60);

impl Settings {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.check_tickets()?;
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
        if self.max_sessions.is_some_and(|max| max.count == 0) {
            return Err(ConfigError::new("a principal must be allowed at least one session"));
        }
        if self.listener_timeout.is_zero() {
            return Err(ConfigError::new("the time of a listener must be more than zero"));
        }
        Ok(())
    }

    fn check_tickets(&self) -> Result<(), ConfigError> {
        #[cfg(feature = "signed")]
        if self.keys.as_ref().is_some_and(|keys| keys.is_empty()) {
            return Err(ConfigError::new("signing needs at least one key"));
        }
        if self.renew_every.is_some_and(|age| age.is_zero()) {
            return Err(ConfigError::new("the age at which a ticket is renewed must be more than zero"));
        }
        if self.header.as_ref().is_some_and(crate::cookie::has_another_meaning) {
            return Err(ConfigError::new(
                "the header for tickets must be none that HTTP gives another meaning",
            ));
        }
        let signature = if self.signer().is_some() { Signer::LEN } else { 0 };
        self.cookie.check(cloakroom_core::Ticket::LEN + signature)?;
        self.tracker().map_or(Ok(()), |tracker| tracker.check())
    }

    /// Returns them with what follows from one for another.
    pub(crate) fn resolved(&self) -> Self {
        let mut settings = self.clone();
        if self.contents == Contents::Everything {
            settings.load = LoadPolicy::Everything;
        }
        settings
    }

    /// Makes what lets the version seen travel with the visitor, if it is to.
    pub(crate) fn tracker(&self) -> Option<Tracker> {
        #[cfg(feature = "signed")]
        let signer = self.keys.as_ref().map(|keys| Signer::of_versions(keys, &self.cookie.name));
        #[cfg(not(feature = "signed"))]
        let signer = None;
        self.track_versions.then(|| Tracker::new(&self.cookie, self.max_lifetime, signer))
    }

    /// Returns the headers that carry what the cookies would, if there are any.
    pub(crate) fn own_header(&self) -> Option<OwnHeader> {
        let ticket = self.header.clone()?;
        let seen = if self.track_versions { Tracker::header(&ticket) } else { None };
        Some(OwnHeader { ticket, seen })
    }

    /// Makes what signs the tickets, if they are to be signed.
    pub(crate) fn signer(&self) -> Option<Signer> {
        #[cfg(feature = "signed")]
        return self.keys.as_ref().map(|keys| Signer::new(keys, &self.cookie.name));
        #[cfg(not(feature = "signed"))]
        None
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
            .field("renew_every", &self.renew_every)
            .field("header", &self.header)
            .field("clear_site_data", &self.clear_site_data)
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
