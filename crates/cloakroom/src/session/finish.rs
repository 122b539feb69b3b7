use std::future::Future;
use std::sync::{Arc, MutexGuard};

use cloakroom_core::{Freshness, Select};
use http::{HeaderValue, StatusCode};

use super::inner::Inner;
use super::kept::{Kept, keep};
use super::state::{CookieDue, State, Target};
use super::task::{detach, run_to_end};
use crate::config::OnGone;
use crate::error::{Error, ErrorKind};
use crate::route::Activity;
use crate::telemetry;

/// What the session asks of its request's response.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Whether the request used its session, so that no cache may share its answer.
    pub(crate) used: bool,
    /// The response is replaced by an empty one of this status.
    pub(crate) status: Option<StatusCode>,
    /// What hands the ticket out or removes it, in the cookie or in the header that the request came with.
    pub(crate) cookie: Option<HeaderValue>,
    /// What tells the browser which version of the session it has seen, or removes that.
    pub(crate) seen: Option<Box<HeaderValue>>,
    pub(crate) clear: Clear,
    /// Whether the store's failure is the reason for the status.
    pub(crate) store_failed: bool,
}

/// Whether the browser is to clear what it keeps of the site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Clear {
    #[default]
    Nothing,
    Everything,
    ButCookies,
}

/// What is to be done at the end of a request.
pub(crate) enum Finish {
    /// Nothing is to be stored.
    Done(Settled),
    /// Something is: the response waits for it.
    Storing(Kept<Settled>),
}

/// How much of a request is to be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Everything,
    /// The request has failed: a logout that was asked for is done, and nothing else.
    EndingOnly,
}

impl Inner {
    /// Returns whether the request asked nothing of its session, and nothing is to be done for it. If so, its account is
    /// closed.
    #[inline]
    pub(crate) fn is_unused_at_the_end(&self) -> bool {
        !self.is_used_at_the_end() && !self.is_to_touch()
    }

    /// Closes the request's account with its session, before the response's head goes out.
    pub(crate) fn finish(self: &Arc<Self>, failed: impl FnOnce() -> bool) -> Finish {
        if !self.is_used_at_the_end() {
            return Finish::Storing(keep(&self.shared.tasks, touch(Arc::clone(self))));
        }
        // The application's, which may panic, or use the session: not under the lock.
        let failed = failed();
        self.finish_used(self.state(), failed)
    }

    /// Returns whether an access is to be recorded for a request that does not use its session.
    #[inline]
    fn is_to_touch(&self) -> bool {
        self.marks().activity() == Activity::Always && self.has_cookies()
    }

    fn finish_used(self: &Arc<Self>, mut state: MutexGuard<'_, State>, failed: bool) -> Finish {
        if failed {
            let under_way = state.busy;
            state.give_up(under_way, Error::request_failed);
        }
        let counts = self.counts_after_all(&mut state);
        let pending = if failed { !state.endings.is_empty() } else { state.has_unapplied() };
        // An operation that is under way may still have something to say about the cookie.
        if !pending && !state.busy && !counts {
            state.head_sent = true;
            let cookie = state.cookie.take();
            drop(state);
            return Finish::Done(self.answer(None, cookie));
        }
        drop(state);
        let extent = if failed { Extent::EndingOnly } else { Extent::Everything };
        if let Some(settled) = self.shared.at_once(|| settle(self, extent, counts)) {
            return Finish::Done(settled);
        }
        let inner = Arc::clone(self);
        Finish::Storing(keep(&self.shared.tasks, async move { settle(&inner, extent, counts).await }))
    }

    /// Returns whether the request counts as activity by a mark that came only after its session was loaded, so that its
    /// access is still to be recorded. It may also renew a ticket, then.
    #[inline]
    fn counts_after_all(&self, state: &mut State) -> bool {
        let Target::Open(open) = &state.target else { return false };
        if !open.is_uncounted() || self.marks().activity() == Activity::Never {
            return false;
        }
        state.renewal_due = self.is_to_renew(&open.snapshot);
        true
    }

    /// Records the access of a request that counts after all, unless a commit of it was one. The answer does not depend on
    /// it. The caller holds the gate.
    async fn count_after_all(&self) {
        if !self.counts_after_all(&mut self.state()) {
            return;
        }
        match self.look(Select::default(), self.touch(), Freshness::Any).await {
            Ok(Some(opened)) => self.note_access(opened.now),
            Ok(None) => {}
            Err(error) => error.log(),
        }
    }

    /// Takes note that the request will have no response. A logout that was asked for is done all the same.
    pub(crate) fn abandon(self: &Arc<Self>) {
        let ending = {
            let Some(mut state) = self.state_at_the_end() else { return };
            let under_way = state.busy;
            state.give_up(under_way, Error::request_failed);
            state.head_sent = true;
            !state.endings.is_empty()
        };
        if !ending {
            return;
        }
        let inner = Arc::clone(self);
        let ending = async move { drop(settle(&inner, Extent::EndingOnly, false).await) };
        if !detach(self.shared.tasks.track_future(ending)) {
            tracing::error!("a session was not invalidated: its request ended outside a Tokio runtime");
        }
    }

    fn answer(&self, status: Option<StatusCode>, cookie: Option<CookieDue>) -> Settled {
        let clear = self.to_clear(cookie);
        let seen = self.seen_now(cookie);
        let writer = &self.shared.writer;
        let by_header = matches!(self.header(), Some((_, true)));
        let cookie = cookie.and_then(|due| match due {
            CookieDue::Set(ticket) if by_header => writer.in_header(Some(&ticket)),
            CookieDue::Remove if by_header => writer.in_header(None),
            CookieDue::Set(ticket) => writer.set(&ticket),
            CookieDue::Remove => writer.remove(),
        });
        Settled { used: true, status, cookie, seen, clear, store_failed: false }
    }

    fn to_clear(&self, cookie: Option<CookieDue>) -> Clear {
        match cookie {
            Some(cookie) if self.settings().clear_site_data.is_some() && self.state().has_ended => {
                match cookie {
                    CookieDue::Remove => Clear::Everything,
                    CookieDue::Set(_) => Clear::ButCookies,
                }
            }
            _ => Clear::Nothing,
        }
    }

    /// Returns the value of the header that clears this.
    pub(crate) fn site_data_to_clear(&self, clear: Clear) -> Option<HeaderValue> {
        let values = self.settings().clear_site_data.as_ref()?;
        match clear {
            Clear::Nothing => None,
            Clear::Everything => values.all.clone(),
            Clear::ButCookies => values.but_cookies.clone(),
        }
    }

    /// Applies what is pending, in a task of its own that runs to its end.
    pub(super) async fn apply_now(self: &Arc<Self>) -> Result<(), Error> {
        let inner = Arc::clone(self);
        let applying = async move {
            let _turn = inner.turn().await;
            inner.apply(Extent::Everything).await
        };
        self.to_its_end(applying).await
    }

    /// Waits for work that runs to its end whether or not it is waited for. All that holds the gate runs this way: a
    /// future that nobody polls any more must not keep the others out.
    pub(super) async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        run_to_end(&self.shared.tasks, work).await.unwrap_or_else(|| Err(Error::interrupted()))
    }
}

impl Settled {
    /// The answer where the outcome is not known.
    pub(crate) fn unknown() -> Self {
        let status = Some(StatusCode::SERVICE_UNAVAILABLE);
        Self { used: true, status, store_failed: true, ..Self::default() }
    }
}

/// Records an access of a request that did not use its session. Its answer does not depend on it.
async fn touch(inner: Arc<Inner>) -> Settled {
    if let Err(error) = inner.touch_only().await {
        error.log();
    }
    Settled::default()
}

async fn settle(inner: &Inner, extent: Extent, counts: bool) -> Settled {
    let turn = inner.turn().await;
    let applied = inner.apply(extent).await;
    if counts {
        Box::pin(inner.count_after_all()).await;
    }
    let cookie = inner.state().settled(applied.as_ref().err());
    // Not before: whoever comes next must know that no cookie can be sent any more.
    drop(turn);
    let Err(error) = applied else {
        return inner.answer(None, cookie);
    };
    if error.kind() == ErrorKind::Gone {
        let handle = inner.handle().map(tracing::field::display);
        telemetry::lost("gone");
        tracing::warn!(
            session.handle = handle,
            "session changes are lost: the session ended while the request ran"
        );
        return match inner.settings().on_gone {
            OnGone::LetStand => inner.answer(None, cookie),
            OnGone::Respond(status) => inner.answer(Some(status), cookie),
        };
    }
    error.log();
    // A cookie that an outage replaced or removed would cost the visitor the session.
    let store_failed = error.kind() == ErrorKind::Store;
    let cookie = cookie.filter(|_| !store_failed);
    let answer = inner.answer(Some(error.status()), cookie);
    Settled { store_failed, seen: answer.seen.filter(|_| !store_failed), ..answer }
}
