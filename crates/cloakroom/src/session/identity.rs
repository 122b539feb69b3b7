use cloakroom_core::{
    Ended, Freshness, Handle, Invalidate, Invalidated, Principal, Select, SessionInfo, Touch,
};

use super::Session;
use super::commit::once_more;
use super::state::{CookieDue, Target};
use crate::error::Error;

/// Who is signed in, and where.
impl Session {
    /// Returns who is signed in to this session.
    #[must_use]
    pub fn principal(&self) -> Option<Principal> {
        let state = self.inner.state();
        let stored = || state.opened().and_then(|open| open.snapshot.meta.principal.clone());
        state.terms.sign_in.clone().or_else(stored)
    }

    /// Signs a principal in: the session gets a new ticket and is bound to the principal, in one commit with everything
    /// else that the request changes.
    ///
    /// The ticket from before never opens the session again, on no server, so that one planted before the sign-in
    /// (session fixation) is worth nothing. A request that still carries it runs with an empty session. Signing in as
    /// somebody else rebinds the session; to keep nothing of the former, [`invalidate`](Self::invalidate) first.
    ///
    /// Of two sign-ins at once by the same principal both end signed in, and what else the later request changed is
    /// dropped, for it never saw the session it would write over. By different principals the later one is answered `409`,
    /// and the session is the earlier one's. If the answer to a sign-in is lost, the browser has to sign in again, which
    /// gives it a ticket once the [grace](crate::SessionLayer::rotation_grace) is over.
    ///
    /// # Errors
    ///
    /// [`InvalidText`](crate::ErrorKind::InvalidText) unless the principal is 1 to 256 bytes without control characters.
    pub fn sign_in(&self, principal: impl Into<String>) -> Result<(), Error> {
        let principal = Principal::new(principal.into())?;
        self.inner.state().terms.sign_in = Some(principal);
        Ok(())
    }

    /// Signs out: ends the session, as [`invalidate`](Self::invalidate) does.
    pub fn sign_out(&self) {
        self.invalidate();
    }

    /// Lists the live sessions of whoever is signed in, oldest sign-in first. A sign-in of this request is not among them
    /// before it is committed.
    ///
    /// # Errors
    ///
    /// [`NotSignedIn`](crate::ErrorKind::NotSignedIn), or [`Store`](crate::ErrorKind::Store) when the store failed.
    pub async fn sessions(&self) -> Result<Vec<SessionInfo>, Error> {
        let principal = self.principal().ok_or_else(Error::not_signed_in)?;
        let listed = self.inner.shared.store().dyn_sessions_of(&principal);
        Ok(self.inner.bounded("list", listed).await?)
    }

    /// Ends one session of whoever is signed in, by its handle. Returns whether it was there, and theirs. Listeners are told
    /// that the principal asked for it, or the request where it is its own session. Without a request there is
    /// [`SessionRegistry`](crate::SessionRegistry).
    ///
    /// # Errors
    ///
    /// As [`sessions`](Self::sessions).
    pub async fn invalidate_session(&self, handle: Handle) -> Result<bool, Error> {
        let owner = Some(self.principal().ok_or_else(Error::not_signed_in)?);
        let ended = self.invalidate_now(Invalidate::Handle { handle, owner }).await?;
        Ok(!ended.is_empty())
    }

    /// Ends every session of whoever is signed in, this one included, and returns how many those were. A sign-in that races
    /// with it either comes after it, as a whole, or is ended too.
    ///
    /// # Errors
    ///
    /// As [`sessions`](Self::sessions).
    pub async fn invalidate_all(&self) -> Result<usize, Error> {
        let principal = self.principal().ok_or_else(Error::not_signed_in)?;
        let ended = self.invalidate_now(Invalidate::Principal { principal, except: None }).await?;
        Ok(ended.len())
    }

    /// Ends every session of whoever is signed in but this one, and returns how many those were.
    ///
    /// # Errors
    ///
    /// As [`sessions`](Self::sessions).
    pub async fn invalidate_others(&self) -> Result<usize, Error> {
        let principal = self.principal().ok_or_else(Error::not_signed_in)?;
        let except = self.handle();
        let ended = self.invalidate_now(Invalidate::Principal { principal, except }).await?;
        Ok(ended.len())
    }

    async fn invalidate_now(&self, invalidate: Invalidate) -> Result<Vec<Ended>, Error> {
        let inner = std::sync::Arc::clone(&self.inner);
        let work = async move {
            let _turn = inner.turn().await;
            inner.check_still_open().await?;
            let asked = once_more(|| inner.shared.store().dyn_invalidate(&invalidate));
            let answer = inner.bounded("invalidate", asked).await?;
            let Invalidated::Done(ended) = answer else {
                return Ok(Vec::new());
            };
            inner.shared.tell_invalidated_by_principal(&ended, inner.handle());
            inner.note_own_end(&ended);
            Ok(ended)
        };
        self.inner.to_its_end(work).await
    }
}

impl super::Inner {
    /// A ticket that was replaced since must not end anybody's session.
    async fn check_still_open(&self) -> Result<(), Error> {
        let is_open = self.state().opened().is_some();
        let gone = is_open && self.look(Select::default(), Touch::Never, Freshness::Latest).await?.is_none();
        if gone { Err(Error::gone()) } else { Ok(()) }
    }

    /// Removes the cookie if this request's own session is among those that have ended.
    fn note_own_end(&self, ended: &[Ended]) {
        let mut state = self.state();
        let own = match &state.target {
            Target::Open(open) => open.guard.handle,
            _ => return,
        };
        if ended.iter().any(|session| session.handle == own) {
            state.start_anew();
            state.cookie = Some(CookieDue::Remove);
            state.has_ended = true;
        }
    }
}
