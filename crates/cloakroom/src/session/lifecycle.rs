use std::time::{Duration, SystemTime};

use cloakroom_core::{Freshness, Handle, Label, Select, Touch, interval_millis};

use super::Session;
use super::state::Target;
use crate::error::Error;

/// The session itself: its age, its end, its ticket.
impl Session {
    /// Returns whether no ticket of this request opened a session.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.inner.state().is_new
    }

    /// Returns the session's public name, which is safe to log; `None` as long as it is not in the store.
    #[must_use]
    pub fn handle(&self) -> Option<Handle> {
        self.inner.state().opened().map(|open| open.guard.handle)
    }

    /// Returns when the session was created, by the store's clock.
    #[must_use]
    pub fn created_at(&self) -> Option<SystemTime> {
        self.inner.state().opened().map(|open| open.snapshot.meta.created_at.into())
    }

    /// Returns the last access before this request's, by the store's clock. Accesses are recorded at most as often as the
    /// layer's [touch throttle](crate::SessionLayer::touch_every) says.
    #[must_use]
    pub fn last_accessed_at(&self) -> Option<SystemTime> {
        self.inner.state().opened().map(|open| open.snapshot.meta.accessed_at.into())
    }

    /// Returns how long this session lives without an access.
    #[must_use]
    pub fn max_inactive_interval(&self) -> Duration {
        let state = self.inner.state();
        let stored = state.opened().map(|open| open.snapshot.meta.max_inactive_interval);
        state.terms.interval.or(stored).unwrap_or(self.inner.settings().max_inactive_interval)
    }

    /// Sets how long *this* session lives without an access. It is kept in the store, so that a "remember me" set at the
    /// sign-in holds for every later request. By itself it makes no session.
    ///
    /// # Errors
    ///
    /// [`InvalidInterval`](crate::ErrorKind::InvalidInterval) outside 1 ms to 400 days.
    pub fn set_max_inactive_interval(&self, interval: Duration) -> Result<(), Error> {
        let millis = interval_millis(interval).ok_or_else(Error::invalid_interval)?;
        self.inner.state().terms.interval = Some(Duration::from_millis(millis));
        Ok(())
    }

    /// Names the session in its principal's list, for example `Firefox on Linux`.
    ///
    /// # Errors
    ///
    /// [`InvalidText`](crate::ErrorKind::InvalidText) unless it is 1 to 256 bytes without control characters.
    pub fn set_label(&self, label: impl Into<String>) -> Result<(), Error> {
        let label = Label::new(label.into())?;
        self.inner.state().terms.label = Some(label);
        Ok(())
    }

    /// Ends the session: before the response leaves it is gone from the store, and the cookie is removed. That holds
    /// although the request fails afterwards.
    ///
    /// What this request has set before is gone with it; what it sets afterwards goes to a *new* session under a new
    /// ticket.
    pub fn invalidate(&self) {
        self.inner.state().end();
    }

    /// Gives the session a new ticket. The one before it stays valid for the
    /// [grace](crate::SessionLayer::rotation_grace), so that requests already on their way are served.
    ///
    /// For a change of privilege use [`sign_in`](Self::sign_in), after which the ticket from before opens nothing.
    pub fn rotate(&self) {
        let mut state = self.inner.state();
        // A ticket that the browser does not have yet is as new as one can be.
        state.terms.rotate = matches!(state.target, Target::Open(_)) && !state.has_undelivered_ticket();
    }

    /// Brings what was changed so far to the store now, atomically, instead of before the response leaves.
    ///
    /// It stands even if the request fails afterwards. Once begun it runs to its end, although its caller be dropped.
    ///
    /// # Errors
    ///
    /// [`Gone`](crate::ErrorKind::Gone), [`OverLimit`](crate::ErrorKind::OverLimit) or
    /// [`Conflict`](crate::ErrorKind::Conflict): nothing of it was stored. [`Store`](crate::ErrorKind::Store): it is not
    /// known whether all of it was stored, or nothing.
    /// [`HeadSent`](crate::ErrorKind::HeadSent): it would need a cookie, and the response's head has gone out.
    /// [`RequestFailed`](crate::ErrorKind::RequestFailed): the request has failed or was dropped before, and what it had
    /// changed until then is given up. It is said once; what is changed afterwards can be committed.
    pub async fn commit(&self) -> Result<(), Error> {
        self.inner.apply_now().await
    }

    /// Reads again all that this request has read and not changed. No copy answers, only the source: see
    /// [`ReadLatest`](crate::ReadLatest).
    ///
    /// # Errors
    ///
    /// [`Gone`](crate::ErrorKind::Gone) when the session has ended, or this request's ticket
    /// [opens it no longer](Session#after-the-responses-head-has-gone-out); [`Store`](crate::ErrorKind::Store) when the store
    /// failed.
    pub async fn reload(&self) -> Result<(), Error> {
        if !self.is_stored()? {
            return Ok(());
        }
        self.inner.reread().await
    }

    /// Records an access now, so that a request that takes longer than the max inactive interval keeps its session.
    ///
    /// # Errors
    ///
    /// As [`reload`](Self::reload).
    pub async fn heartbeat(&self) -> Result<(), Error> {
        let session = self.clone();
        let beat = async move {
            let _turn = session.inner.turn().await;
            session.heartbeat_in_turn().await
        };
        self.inner.to_its_end(beat).await
    }

    async fn heartbeat_in_turn(&self) -> Result<(), Error> {
        if !self.is_stored()? {
            return Ok(());
        }
        if self.inner.state().may_lack_ticket() {
            return self.inner.commit_nothing().await;
        }
        let beat =
            self.inner.look(Select::default(), Touch::AtMostEvery(Duration::ZERO), Freshness::Latest).await?;
        self.inner.note_access(beat.ok_or_else(Error::gone)?.now);
        Ok(())
    }

    /// Returns whether there is a session in the store. One that has ended under the request is an error.
    fn is_stored(&self) -> Result<bool, Error> {
        let state = self.inner.state();
        if state.is_lost() && !state.came_superseded {
            return Err(Error::gone());
        }
        if matches!(state.target, Target::Unreachable) {
            return Err(Error::store_away());
        }
        Ok(state.opened().is_some())
    }
}
