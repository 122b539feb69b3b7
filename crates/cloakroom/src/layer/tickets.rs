use std::time::Duration;

use http::HeaderName;

use super::SessionLayer;

/// The ticket: when it is renewed, what signs it, and what may carry it beside the cookie.
impl SessionLayer {
    /// Gives a session a new ticket by itself once the current one is this old, by the store's clock. Off by default; the
    /// OWASP Session Management Cheat Sheet recommends it where sessions live long ("renewal timeout"), so that a stolen
    /// ticket is worth something for a bounded time.
    ///
    /// It is done by a request that uses its session, at its end, exactly as by [`rotate`](crate::Session::rotate): the
    /// ticket before it stays valid for the [grace](Self::rotation_grace), parallel requests agree on the new one, and one
    /// whose answer was lost is given again. A request that has failed renews nothing, nor does one that is
    /// [no activity](crate::Activity::Never), for the commit would count as an access. If the store does not take the
    /// renewal alone, the answer stands, and a later request renews.
    ///
    /// Keep it well above the grace: a ticket is valid beside its successor only until the next renewal. A request that
    /// lasts longer than the grace, such as a web socket, loses the session when another renews: see
    /// [`Session`](crate::Session#after-the-responses-head-has-gone-out).
    #[must_use]
    pub fn renew_every(mut self, age: Duration) -> Self {
        self.settings.renew_every = Some(age);
        self
    }

    /// Signs tickets, so that a forged one opens nothing without asking the store. The first key signs, all of them
    /// verify. Off by default: without it a forged ticket costs a load that finds nothing.
    ///
    /// The cookie's value is then the 44 characters of the ticket and 22 of an HMAC-SHA-256, cut to 128 bits. It is bound to
    /// the cookie's name, so that two layers with the same keys cannot be shown each other's cookies. **An unsigned ticket
    /// opens nothing any more**: turning this on signs everybody out.
    ///
    /// # Changing keys
    ///
    /// Put the new key last on every server, then first, and drop the old one when no ticket that it signed is left (the max
    /// lifetime later, or sooner with [`renew_every`](Self::renew_every)). A ticket that an old key has signed works on; it
    /// is signed anew when it is next handed out, and not for that alone.
    ///
    /// ```
    /// # use cloakroom::{SigningKey, MemoryStore, SessionLayer};
    /// # let (new, old) = ("5f".repeat(64), "a0".repeat(64));
    /// let keys = [new.parse::<SigningKey>()?, old.parse()?];
    /// let layer = SessionLayer::new(MemoryStore::new()).keys(keys).check()?;
    /// # let _ = layer;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "signed")]
    #[must_use]
    pub fn keys(mut self, keys: impl IntoIterator<Item = crate::SigningKey>) -> Self {
        self.settings.keys = Some(keys.into_iter().collect());
        self
    }

    /// Lets clients without cookies carry the ticket in a header of this name, such as `x-session`. Off by default: then a
    /// ticket counts in the cookie alone.
    ///
    /// A request that has the header, be it empty, is one of such a client: **its cookies do not count**, and the answer
    /// brings a new ticket in the same header in place of `Set-Cookie`, and an empty one where the cookie would be removed.
    /// So a client begins by sending the header empty (or, where a proxy drops that, with `new`). Every other request is a
    /// browser's, and has its cookie. The header holds what the cookie would: the ticket, and its signature where tickets
    /// are signed; several lines are tried in order. Answers vary by the header too.
    ///
    /// # Security
    ///
    /// No other site can make a browser send the header unless the application's CORS rules allow it, and a request that has
    /// it is authenticated by nothing that the browser adds by itself. So requests with the header, and they alone, need no
    /// CSRF token. But a script that can read the ticket can be made to tell it: in a page use the cookie, which is
    /// `HttpOnly`. Keep the header out of logs; there is no way to put a ticket into a URL.
    #[must_use]
    pub fn header(mut self, name: HeaderName) -> Self {
        self.settings.header = Some(name);
        self
    }
}
