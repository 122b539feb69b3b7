use super::state::Target;
use super::{Inner, Session};
use crate::error::{Chain, Error};
use crate::telemetry;

impl Inner {
    /// Goes on without the session that could not be loaded, if the route allows that. Returns whether this has decided.
    #[cold]
    pub(super) fn without_store(&self, error: Error) -> Result<bool, Error> {
        let mut state = self.state();
        if !self.marks().allows_anonymous() || state.is_loaded() {
            return Err(error);
        }
        state.start_anew();
        state.is_new = true;
        state.target = Target::Unreachable;
        drop(state);
        telemetry::anonymous();
        let source = std::error::Error::source(&error).map(|source| tracing::field::display(Chain(source)));
        tracing::warn!(%error, source, "a request runs without its session: the store failed, and its route allows it");
        Ok(true)
    }
}

impl Session {
    /// Returns whether the session could not be loaded, and the request runs as an anonymous one all the same because its
    /// route says [`AnonymousOnStoreFailure`](crate::AnonymousOnStoreFailure).
    #[must_use]
    pub fn store_failed(&self) -> bool {
        matches!(self.inner.state().target, Target::Unreachable)
    }
}
