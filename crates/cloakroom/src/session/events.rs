use std::sync::Arc;

use cloakroom_core::{
    Bind, Commit, Committed, Ended, Error as StoreError, Handle, Intent, Outcome, TicketChange, TicketFate,
};

use super::inner::{Inner, Shared};
use crate::events::{AskedBy, Events, SessionDetails, SessionEvent};
use crate::telemetry;

/// Who is told what this request has brought about.
impl Inner {
    /// Tells of what a commit did. Most change attributes alone, which is no event.
    #[inline]
    pub(super) fn tell_committed(&self, commit: &Commit, answer: &Result<Outcome, StoreError>) {
        telemetry::committed(commit, answer, || self.bytes_when_loaded());
        if let Ok(Outcome::Committed(committed)) = answer {
            let creates = matches!(commit.intent, Intent::Create(_));
            if creates || committed.ticket == TicketFate::Changed {
                self.tell_new_ticket(commit, committed);
            }
        }
    }

    fn tell_new_ticket(&self, commit: &Commit, committed: &Committed) {
        for ended in &committed.ended {
            self.shared.tell_invalidated(ended, AskedBy::Policy);
        }
        let (creates, bind) = match (&commit.intent, &commit.changes.ticket) {
            (Intent::Create(creation), _) => (true, creation.bind.as_ref()),
            (Intent::Change, Some(TicketChange::SignIn { bind, .. })) => (false, Some(bind)),
            (Intent::Change, _) => (false, None),
        };
        log(commit.guard.handle, creates, bind);
        let Some(events) = &self.shared.events else { return };
        let session = self.details(commit, committed, bind);
        if creates {
            events.tell(SessionEvent::Created(session.clone()));
        }
        match bind {
            Some(_) => events.tell(SessionEvent::SignedIn(session)),
            None if creates => {}
            None => events.tell(SessionEvent::Rotated(session)),
        }
    }

    fn bytes_when_loaded(&self) -> u64 {
        self.state().opened().map_or(0, |open| open.snapshot.meta.bytes)
    }

    fn details(&self, commit: &Commit, committed: &Committed, bind: Option<&Bind>) -> SessionDetails {
        let state = self.state();
        let before = state.opened().map(|open| &open.snapshot.meta);
        let signs_in = bind.map(|bind| bind.principal.clone());
        let principal = signs_in.or_else(|| before.and_then(|meta| meta.principal.clone()));
        let created_at = before.map_or(committed.now, |meta| meta.created_at);
        SessionDetails::live(commit.guard.handle, principal, created_at, committed.now)
    }
}

impl Shared {
    /// Tells of a session that was ended.
    pub(super) fn tell_invalidated(&self, ended: &Ended, asked_by: AskedBy) {
        tell_invalidated(self.events.as_ref(), ended, asked_by);
    }

    /// Tells of sessions that a principal has ended from the one called `own`.
    pub(super) fn tell_invalidated_by_principal(&self, ended: &[Ended], own: Option<Handle>) {
        for ended in ended {
            let is_own = Some(ended.handle) == own;
            self.tell_invalidated(ended, if is_own { AskedBy::Request } else { AskedBy::Principal });
        }
    }
}

fn log(handle: Handle, creates: bool, bind: Option<&Bind>) {
    if creates {
        telemetry::lived("created");
        tracing::debug!(session.handle = %handle, "session created");
    }
    if let Some(bind) = bind {
        telemetry::lived("signed_in");
        tracing::info!(session.handle = %handle, session.principal = %bind.principal, created = creates, "signed in");
    } else if !creates {
        telemetry::lived("rotated");
        tracing::debug!(session.handle = %handle, "session ticket rotated");
    }
}

/// Logs and tells of a session that was ended, with who asked for it and why.
pub(crate) fn tell_invalidated(events: Option<&Arc<Events>>, ended: &Ended, asked_by: AskedBy) {
    log_invalidated(ended, &asked_by);
    if let Some(events) = events {
        events.tell(SessionEvent::Invalidated(ended.clone().into(), asked_by));
    }
}

fn log_invalidated(ended: &Ended, asked_by: &AskedBy) {
    let order = asked_by.order();
    telemetry::invalidated(asked_by.name());
    tracing::info!(
        session.handle = %ended.handle,
        session.principal = ended.principal.as_ref().map(tracing::field::display),
        asked_by = asked_by.name(),
        operator = order.map(|order| order.by()),
        reason = order.map(|order| order.reason()),
        "session invalidated"
    );
}
