use super::SessionLayer;

/// What a visitor has seen, when what answers may be behind.
impl SessionLayer {
    /// Lets the newest version of their session that a visitor has seen travel with them, so that an older state is noticed
    /// after a failover: see [`Session::is_stale`](crate::Session::is_stale) and the extractor `UpToDate`. Off by default: it
    /// costs a second cookie, and a `Set-Cookie` with the answer to every request that commits or finds something newer.
    ///
    /// It is for stores whose answers can be behind: timed writes, whose last changes a node takes along when it dies; a primary
    /// whose changes a replica had not received when it took over; copies that lag. A load says which version its visitor
    /// has seen, and a copy that is behind that does not answer.
    ///
    /// The cookie has the attributes of the session's and its name with `-seen`, as in `__Host-id-seen`; with
    /// [tickets in a header](Self::header) it is the header of that name with `-seen`, such as `x-session-seen`. Its value is
    /// the session's handle and the version, so that a version of another session says nothing. It is removed with the
    /// session's cookie. One that is missing or malformed says nothing either, and the request is served without.
    ///
    /// ```
    /// use axum::{Router, routing::post};
    /// use cloakroom::{MemoryStore, SessionLayer, UpToDate};
    ///
    /// async fn pay(UpToDate(session): UpToDate) -> String {
    ///     format!("paid by {:?}", session.principal())
    /// }
    ///
    /// let layer = SessionLayer::new(MemoryStore::new()).track_versions(true);
    /// let app: Router = Router::new().route("/pay", post(pay)).layer(layer.check()?);
    /// # let _ = app;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    ///
    /// # What it does not notice
    ///
    /// What a visitor's *other* browser has seen, for that is another session. What answers told that never arrived, or that
    /// overtook each other: then the browser may keep the older version. What was lost after the response's head went out. And
    /// a state is known by its number alone: once a session has been committed to as often as before, by requests that did
    /// not show the cookie, it seems up to date.
    ///
    /// # Security
    ///
    /// It is no secret and opens nothing. Where tickets are [signed](crate::SessionLayer#method.keys) it is signed too, with
    /// keys of its own that are derived from the layer's. Unsigned, whoever holds the session can write any version. With a
    /// greater one, their own requests are stale, and their loads pass by the copies to the source, as if there were no
    /// copies: about what a visitor without copies costs, but count on it when you size the source. With a smaller one, or
    /// none, they are not told of a loss. No other session is concerned, because the value names the session, and no other
    /// site can plant one in a `__Host-` cookie. A signed value can be shown again or left out, which is as good as a smaller
    /// one.
    #[must_use]
    pub fn track_versions(mut self, tracks: bool) -> Self {
        self.settings.track_versions = tracks;
        self
    }
}
