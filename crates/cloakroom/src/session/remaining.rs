use std::time::{Duration, SystemTime};

use cloakroom_core::Timestamp;

use super::state::Open;
use super::{Inner, Session};

/// How long the session still lives.
impl Session {
    /// Returns how long the session still lives if nothing more is heard of its visitor; `None` as long as it is not in the
    /// store.
    ///
    /// Never more than is true, by the store's clock at this request's last word with it: the session's load, a commit or a
    /// [`heartbeat`](Self::heartbeat). The access of this request counts as far as it was recorded, see
    /// [`touch_every`](crate::SessionLayer::touch_every). To ask without counting as an access, see
    /// [`Activity::Never`](crate::Activity::Never).
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let state = self.inner.state();
        let open = state.opened()?;
        Some(open.expires_at(self.inner.settings().touch_every).since(open.snapshot.now))
    }

    /// Returns when the session expires if nothing more is heard of its visitor, by the store's clock: see
    /// [`time_left`](Self::time_left), which does not depend on how the clocks agree.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        let touch_every = self.inner.settings().touch_every;
        self.inner.state().opened().map(|open| open.expires_at(touch_every).into())
    }

    /// Returns how long the session still lives whatever its visitor does; `None` where it has no
    /// [max lifetime](crate::SessionLayer::max_lifetime), or is not in the store.
    #[must_use]
    pub fn lifetime_left(&self) -> Option<Duration> {
        let state = self.inner.state();
        let snapshot = &state.opened()?.snapshot;
        Some(snapshot.meta.ends_at?.since(snapshot.now))
    }
}

impl Inner {
    /// Takes note of an access that the store has recorded.
    pub(super) fn note_access(&self, now: Timestamp) {
        if let super::state::Target::Open(open) = &mut self.state().target {
            open.note_access(now);
        }
    }
}

impl Open {
    /// Returns whether nothing that this request did is an access.
    #[inline]
    pub(super) fn is_uncounted(&self) -> bool {
        !self.counts && !self.accessed
    }

    pub(super) fn note_access(&mut self, now: Timestamp) {
        self.snapshot.now = now.max(self.snapshot.now);
        self.heard_at = now.max(self.heard_at);
        self.accessed = true;
    }

    /// Returns when the session expires, given how often an access is recorded at most: at the latest then (see
    /// [`Record::access`](cloakroom_core::Record::access)).
    fn expires_at(&self, touch_every: Duration) -> Timestamp {
        let (now, meta) = (self.snapshot.now, &self.snapshot.meta);
        let throttle = touch_every.min(meta.max_inactive_interval / 10);
        let recorded = self.accessed || (self.counts && now.since(meta.accessed_at) >= throttle);
        let accessed_at = if recorded { now.max(meta.accessed_at) } else { meta.accessed_at };
        let inactive = accessed_at.plus(meta.max_inactive_interval);
        meta.ends_at.map_or(inactive, |end| end.min(inactive))
    }
}
