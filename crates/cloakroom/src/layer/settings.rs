use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{AtLimit, MaxSessions};
use http::{HeaderMap, StatusCode};

use super::SessionLayer;
use crate::config::{Contents, LoadPolicy, OnGone, OnUndecodable};
use crate::cookie::SameSite;

/// The cookie.
impl SessionLayer {
    /// Sets the cookie's name. `__Host-id` by default: browsers take a `__Host-` cookie only with `Secure`, `Path=/` and
    /// no `Domain`, so that no sibling domain can plant one (RFC 6265bis, 4.1.3.2; OWASP ASVS 5.0, 3.3.3).
    #[must_use]
    pub fn cookie_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.settings.cookie.name = name.into();
        self
    }

    /// Sets the cookie's path. `/` by default.
    #[must_use]
    pub fn cookie_path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.settings.cookie.path = path.into();
        self
    }

    /// Sets the cookie's domain, which shares it with all subdomains. None by default; not with a `__Host-` name.
    #[must_use]
    pub fn cookie_domain(mut self, domain: impl Into<Cow<'static, str>>) -> Self {
        self.settings.cookie.domain = Some(domain.into());
        self
    }

    /// Sets which requests from other sites carry the cookie. [`SameSite::Lax`] by default.
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.settings.cookie.same_site = same_site;
        self
    }

    /// Keeps a cookie for each top-level site that embeds this one (`Partitioned`). Off by default.
    #[must_use]
    pub fn partitioned(mut self) -> Self {
        self.settings.cookie.partitioned = true;
        self
    }

    /// Lets the browser keep the cookie when it is closed: `Max-Age` is the [max lifetime](Self::max_lifetime), or else
    /// 400 days, the most that browsers allow. Off by default: the cookie ends with the browser session.
    ///
    /// The server alone judges whether a session has expired, and does not send the cookie again just to prolong it.
    #[must_use]
    pub fn persistent(mut self) -> Self {
        self.settings.cookie.persistent = true;
        self
    }

    /// **For development over plain HTTP only**: drops `Secure`, and names the cookie `id` if it had a `__Host-` or
    /// `__Secure-` prefix. Anyone on the network can then read the cookie.
    #[must_use]
    pub fn insecure_cookie(mut self) -> Self {
        self.settings.cookie.secure = false;
        if ["__Host-", "__Secure-"].iter().any(|prefix| self.settings.cookie.has_prefix(prefix)) {
            self.settings.cookie.name = Cow::Borrowed("id");
        }
        self
    }
}

/// How long a session lives.
impl SessionLayer {
    /// Sets how long a new session lives without an access: 1 ms to 400 days. 30 minutes by default, the upper end of
    /// what the OWASP Session Management Cheat Sheet gives for low-risk applications; 2 to 5 minutes for high-value ones.
    ///
    /// Kept with each session: a later change of this setting leaves existing ones alone.
    #[must_use]
    pub fn max_inactive_interval(mut self, interval: Duration) -> Self {
        self.settings.max_inactive_interval = interval;
        self
    }

    /// Sets how long a new session lives whatever the activity: 1 ms to 400 days. None by default; the OWASP cheat sheet
    /// suggests 4 to 8 hours where people work with it all day.
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.max_lifetime = Some(lifetime);
        self
    }

    /// Sets how often an access is recorded at most; zero: every time. One minute by default, so that reading does not
    /// write every time. A session may end early by this much, never late; for a session with a short interval it is at
    /// most a tenth of that.
    #[must_use]
    pub fn touch_every(mut self, interval: Duration) -> Self {
        self.settings.touch_every = interval;
        self
    }

    /// Sets how long the ticket before a rotation stays valid, and how long the one before a sign-in is remembered as
    /// superseded. 15 seconds by default: about as long as a request that was under way may take. At most an hour. One that
    /// [takes longer](crate::Session#after-the-responses-head-has-gone-out) finds its session gone.
    #[must_use]
    pub fn rotation_grace(mut self, grace: Duration) -> Self {
        self.settings.rotation_grace = grace;
        self
    }
}

/// Limits. What passes one is answered `413`, and nothing of the request is stored.
impl SessionLayer {
    /// Sets how large an attribute's encoded value may be. 256 KiB by default.
    #[must_use]
    pub fn max_attribute_bytes(mut self, bytes: u64) -> Self {
        self.settings.limits.attribute_bytes = bytes;
        self
    }

    /// Sets how large all names and values together may be. 1 MiB by default.
    #[must_use]
    pub fn max_session_bytes(mut self, bytes: u64) -> Self {
        self.settings.limits.session_bytes = bytes;
        self
    }

    /// Sets how many attributes a session may have. 1,024 by default.
    #[must_use]
    pub fn max_attributes(mut self, attributes: u32) -> Self {
        self.settings.limits.attributes = attributes;
        self
    }

    /// Sets how long an attribute's name may be, in bytes: 1 to 256, the default.
    #[must_use]
    pub fn max_name_bytes(mut self, bytes: usize) -> Self {
        self.settings.name_bytes = bytes;
        self
    }

    /// Sets how many sessions a principal may have at a time, at least 1, and what a further sign-in does. Any number by
    /// default (OWASP ASVS 5.0, 7.1.2, asks that this be decided and documented).
    ///
    /// [`AtLimit::EndOldest`] ends those that were signed in to the longest ago. [`AtLimit::Refuse`] refuses the sign-in with
    /// everything else that its request changed: it is answered `409`, for the principal can make room and try again. To say
    /// so on a page, [`commit`](crate::Session::commit) in the handler and look for
    /// [`TooManySessions`](crate::ErrorKind::TooManySessions). The store holds the limit however many sign in at once.
    #[must_use]
    pub fn max_sessions_per_principal(mut self, count: u32, at_limit: AtLimit) -> Self {
        self.settings.max_sessions = Some(MaxSessions { count, at_limit });
        self
    }
}

/// The store, and what failures do.
impl SessionLayer {
    /// Sets how long one operation on the store may take, waiting for a connection included. 2 seconds by default. A
    /// request that needs more is answered `503`; a request may need two operations.
    #[must_use]
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.settings.store_timeout = timeout;
        self
    }

    /// Sets which attributes a session is loaded with, beside those that its extractor names.
    /// [`LoadPolicy::Foreseen`] by default: what requests of the same route have read before. A route may say otherwise.
    #[must_use]
    pub fn load(mut self, policy: LoadPolicy) -> Self {
        self.settings.load = policy;
        self
    }

    /// Sets what a commit carries. [`Contents::Changed`] by default: the attributes that the request has changed.
    #[must_use]
    pub fn contents(mut self, contents: Contents) -> Self {
        self.settings.contents = contents;
        self
    }

    /// Counts every request as an access to its session, also where its handler does not use it: each then costs a load.
    /// Off by default. For single routes, and for what should not count, see [`Activity`](crate::Activity).
    #[must_use]
    pub fn every_request_is_access(mut self) -> Self {
        self.settings.every_request = true;
        self
    }

    /// Sets which responses count as failed: nothing of their requests is committed, but for an invalidation. By default
    /// those with a 5xx status or 408.
    #[must_use]
    pub fn failed_when(
        mut self,
        failed: impl Fn(StatusCode, &HeaderMap) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.settings.failed = Some(Arc::new(failed));
        self
    }

    /// Sets what is done about a stored value that cannot be decoded. [`OnUndecodable::Fail`] by default.
    #[must_use]
    pub fn on_undecodable(mut self, policy: OnUndecodable) -> Self {
        self.settings.on_undecodable = policy;
        self
    }

    /// Encrypts attribute values in the store. Off by default.
    ///
    /// Values that are in the store already are then undecodable, unless
    /// [`Encryption::accept_plain`](crate::Encryption::accept_plain) says otherwise. Whether a value has changed is judged
    /// before it is encrypted.
    #[cfg(feature = "encryption")]
    #[must_use]
    pub fn encrypt(mut self, encryption: crate::Encryption) -> Self {
        self.settings.encryption = Some(encryption);
        self
    }

    /// Sets what becomes of a response whose session ended while the request ran. [`OnGone::LetStand`] by default.
    #[must_use]
    pub fn on_gone(mut self, policy: OnGone) -> Self {
        self.settings.on_gone = policy;
        self
    }
}
