use std::sync::Arc;

use cloakroom_core::{Freshness, Ticket, Version};
use http::HeaderValue;

use super::state::{CookieDue, Open, State, Target};
use super::{Inner, Session};
use crate::error::Error;

/// Whether what is seen is older than what its visitor has seen before.
impl Session {
    /// Returns whether the request sees an older state of its session than its visitor has seen already, as it can be after a
    /// failover: the node that held the newest changes back is gone, or a copy took over that had not received them.
    ///
    /// Always `false` where the layer does not [track versions](crate::SessionLayer::track_versions), and for a new session.
    /// The source has been asked, not only the copies, so to [`reload`](Self::reload) helps only if what is missing is still on
    /// its way. A commit builds on the older state and **accepts** it: from then on it is the newest that the visitor has seen.
    /// So is it with [`accept_stale`](Self::accept_stale), which changes nothing.
    ///
    /// ```
    /// # use cloakroom::Session;
    /// async fn cart(session: Session) -> &'static str {
    ///     if session.is_stale() { "We lost your last changes: please look through your cart." } else { "Your cart." }
    /// }
    /// # let _ = cart;
    /// ```
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.inner.state().opened().is_some_and(Open::is_stale)
    }

    /// Refuses to go on with a session that [is stale](Self::is_stale). In axum there is the extractor `UpToDate`.
    ///
    /// # Errors
    ///
    /// [`Stale`](crate::ErrorKind::Stale), as a response `409`; or [`Store`](crate::ErrorKind::Store) where the request runs
    /// without its session because the store failed.
    pub fn require_up_to_date(&self) -> Result<(), Error> {
        let state = self.inner.state();
        match &state.target {
            Target::Unreachable => Err(Error::store_away()),
            Target::Open(open) if open.is_stale() => Err(Error::stale()),
            _ => Ok(()),
        }
    }

    /// Accepts a session that [is stale](Self::is_stale) as it is: what the request sees is from now on the newest that its
    /// visitor has seen. For the button "go on with what is left". Nothing happens to one that is not stale.
    pub fn accept_stale(&self) {
        if let Target::Open(open) = &mut self.inner.state().target
            && open.is_stale()
        {
            open.visitor.knows = open.snapshot.meta.version;
        }
    }
}

/// Versions of one session: what its visitor has seen. Zero stands for none, for no session in a store has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visitor {
    /// The newest that they had seen before this request, as far as it says.
    pub(super) brought: Version,
    /// The newest that they have seen with it.
    pub(super) knows: Version,
}

impl Visitor {
    /// Of a visitor who has brought one version and is shown another.
    #[inline]
    pub(super) fn shown(brought: Version, shown: Version) -> Self {
        Self { brought, knows: brought.max(shown) }
    }

    /// Of a session that this request has made.
    pub(super) fn of_new(version: Version) -> Self {
        Self::shown(Version(0), version)
    }

    /// Takes note of what the request was shown.
    #[inline]
    pub(super) fn sees(&mut self, version: Version) {
        self.knows = self.knows.max(version);
    }
}

impl Open {
    fn is_stale(&self) -> bool {
        // Once an older state was accepted, the visitor knows of less than they have brought.
        self.snapshot.meta.version < self.visitor.brought.min(self.visitor.knows)
    }
}

impl State {
    /// Returns the version that the visitor is to be told of, and the ticket of its session, unless they know it.
    fn version_to_tell(&self) -> Option<(Ticket, Version)> {
        let Open { ticket, visitor, .. } = self.opened()?;
        (visitor.knows != visitor.brought).then_some((*ticket, visitor.knows))
    }
}

impl Inner {
    /// Returns the newest version of a ticket's session that the visitor has seen.
    #[inline]
    pub(super) fn seen_before(&self, ticket: &Ticket) -> Version {
        self.shared.tracker.as_ref().map_or(Version(0), |tracker| tracker.seen(self.cookies(), ticket))
    }

    /// Returns how new an answer must be for a visitor who has seen this version.
    #[inline]
    pub(super) fn freshness(&self, seen: Version) -> Freshness {
        match seen {
            _ if self.marks().demands_latest() => Freshness::Latest,
            Version(0) => Freshness::Any,
            seen => Freshness::AtLeast(seen),
        }
    }

    /// Reads again, from the source, what was opened before the route demanded that.
    pub(super) async fn catch_up(self: &Arc<Self>) -> Result<(), Error> {
        let is_due = {
            let state = self.state();
            state.opened().is_some() && !state.is_latest
        };
        if is_due { self.reread().await } else { Ok(()) }
    }

    /// Reads again, from the source, all that this request has read and not changed.
    pub(super) async fn reread(self: &Arc<Self>) -> Result<(), Error> {
        let inner = Arc::clone(self);
        let again = async move {
            let _turn = inner.turn().await;
            inner.read_again(Vec::new(), Freshness::Latest).await
        };
        self.to_its_end(again).await
    }

    /// Returns what tells the browser which version it has seen, if that is news.
    #[inline]
    pub(super) fn seen_now(&self, cookie: Option<CookieDue>) -> Option<Box<HeaderValue>> {
        self.shared.tracker.as_ref()?;
        self.tell_seen(cookie)
    }

    fn tell_seen(&self, cookie: Option<CookieDue>) -> Option<Box<HeaderValue>> {
        let tracker = self.shared.tracker.as_ref()?;
        let by_header = matches!(self.header(), Some((_, true)));
        let value = if matches!(cookie, Some(CookieDue::Remove)) {
            tracker.remove(by_header)
        } else {
            let (ticket, version) = self.state().version_to_tell()?;
            tracker.tell(&ticket, version, by_header)
        };
        value.map(Box::new)
    }
}
