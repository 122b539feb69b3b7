use std::sync::Arc;

use http::{HeaderMap, Method, Uri};

use super::SessionLayer;
use super::site_data::{ClearSiteData, SiteData};
use crate::route::Activity;
use crate::timeouts::Timeouts;

/// What counts as a visitor's activity, how long they may be away, and what their browser keeps.
impl SessionLayer {
    /// Decides by a request's head whether it counts as activity. By default it does if it uses its session, or always with
    /// [`every_request_is_access`](Self::every_request_is_access), in whose place this stands. A route may say otherwise:
    /// see [`Activity`].
    ///
    /// ```
    /// # use cloakroom::{Activity, MemoryStore, SessionLayer};
    /// let layer = SessionLayer::new(MemoryStore::new()).activity(|_method, uri, headers| {
    ///     let polls = uri.path().starts_with("/poll/") || headers.contains_key("x-background");
    ///     if polls { Activity::Never } else { Activity::IfUsed }
    /// });
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn activity(
        mut self,
        rule: impl Fn(&Method, &Uri, &HeaderMap) -> Activity + Send + Sync + 'static,
    ) -> Self {
        self.settings.activity = Some(Arc::new(rule));
        self
    }

    /// Sets the [max inactive interval](Self::max_inactive_interval) and the [max lifetime](Self::max_lifetime) to what
    /// somebody recommends.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, SessionLayer, Timeouts};
    /// let layer = SessionLayer::new(MemoryStore::new()).timeouts(Timeouts::OwaspLowRisk);
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        self.max_inactive_interval(timeouts.max_inactive_interval()).max_lifetime(timeouts.max_lifetime())
    }

    /// Lets the browser clear what it keeps of the site when a session is ended by its own request: adds `Clear-Site-Data` to
    /// the answer (OWASP ASVS 5.0, 14.3.1). Off by default. Browsers heed it over HTTPS alone.
    ///
    /// An answer that brings the ticket of a new session leaves out [`SiteData::Cookies`], which would remove that too. An
    /// answer that has the header already keeps its own. None is sent if the store did not acknowledge the end.
    ///
    /// ```
    /// # use cloakroom::{MemoryStore, SessionLayer, SiteData};
    /// let everything = [SiteData::Cache, SiteData::Cookies, SiteData::Storage];
    /// let layer = SessionLayer::new(MemoryStore::new()).clear_site_data(everything);
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn clear_site_data(mut self, data: impl IntoIterator<Item = SiteData>) -> Self {
        let data: Vec<_> = data.into_iter().collect();
        self.settings.clear_site_data = Some(Arc::new(ClearSiteData::new(&data)));
        self
    }
}
