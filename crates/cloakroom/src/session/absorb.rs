use cloakroom_core::{
    Changes, Commit, Committed, Creation, Gone, Intent, Meta, Opened, Standing, Ticket, TicketChange,
    TicketFate,
};

use super::commit::Prepared;
use super::stale::Visitor;
use super::state::{CookieDue, Ending, Open, State, Target};
use crate::telemetry;

impl State {
    /// Takes note of a commit that was applied.
    pub(super) fn committed(&mut self, prepared: &Prepared, committed: &Committed) {
        let Prepared { commit, ticket, carried } = prepared;
        if carried.epoch != self.epoch {
            return self.committed_too_late(commit, *ticket, committed);
        }
        if committed.ticket == TicketFate::AlreadySignedIn {
            if self.attributes.drop_edits(carried.upto) {
                let handle = commit.guard.handle;
                telemetry::lost("already_signed_in");
                tracing::warn!(session.handle = %handle, "session changes are dropped: another request had signed in before");
            }
            return self.lost(Gone::Superseded);
        }
        match &commit.intent {
            Intent::Create(creation) => self.created(*ticket, creation, committed),
            Intent::Change => self.changed(*ticket, &commit.changes, committed),
        }
        self.attributes.committed(&commit.changes, carried.upto, committed.version, committed.now);
    }

    /// The request has asked for its session to end while the commit was under way. A session that the commit has made
    /// must end too, and one whose ticket it has changed ends by its new ticket.
    pub(super) fn committed_too_late(&mut self, commit: &Commit, ticket: Ticket, committed: &Committed) {
        let made = matches!(commit.intent, Intent::Create(_));
        if made || committed.ticket == TicketFate::Changed {
            self.endings.retain(|ending| ending.guard != commit.guard);
            self.endings.push(Ending { ticket, guard: ticket.guard() });
        }
    }

    /// Takes note of a new session.
    pub(super) fn created(&mut self, ticket: Ticket, creation: &Creation, committed: &Committed) {
        let snapshot = Box::new(Opened {
            standing: Standing::Current,
            now: committed.now,
            meta: first_meta(creation, committed),
            attributes: Vec::new(),
            names: None,
        });
        let visitor = Visitor::of_new(committed.version);
        let (guard, counts) = (ticket.guard(), true);
        let (accessed, reissued) = (true, false);
        let heard_at = committed.now;
        let open = Open { ticket, guard, snapshot, heard_at, counts, accessed, reissued, visitor };
        self.target = Target::Open(open);
        self.cookie = Some(CookieDue::Set(ticket));
    }

    fn changed(&mut self, next: Ticket, changes: &Changes, committed: &Committed) {
        let Target::Open(open) = &mut self.target else {
            return;
        };
        self.renewal_due &= committed.ticket == TicketFate::Kept;
        let ticket = match committed.ticket {
            TicketFate::Changed => Some(next),
            // Whoever came with the ticket before is given the new one again; whoever lost the race is not.
            TicketFate::AlreadyRenewed(Some(seed)) if open.was_renewed() => {
                Some(open.ticket.successor(&seed))
            }
            TicketFate::AlreadyRenewed(None) => {
                open.snapshot.standing = Standing::Previous(None);
                None
            }
            _ => None,
        };
        if let Some(ticket) = ticket {
            (open.ticket, open.guard, open.snapshot.standing) = (ticket, ticket.guard(), Standing::Current);
            open.snapshot.meta.ticket_issued_at = committed.now;
            open.reissued = true;
            self.cookie = Some(CookieDue::Set(ticket));
        }
        open.absorb(changes, committed);
    }
}

impl Open {
    /// Returns whether the request came with the ticket before a renewal that is not known to have arrived.
    pub(super) fn was_renewed(&self) -> bool {
        matches!(self.snapshot.standing, Standing::Previous(Some(_)))
    }

    fn absorb(&mut self, changes: &Changes, committed: &Committed) {
        self.saw(committed);
        if let Some(interval) = changes.max_inactive_interval {
            self.snapshot.meta.max_inactive_interval = interval;
        }
        if let (Some(TicketChange::SignIn { bind, .. }), TicketFate::Changed) =
            (&changes.ticket, committed.ticket)
        {
            self.snapshot.meta.principal = Some(bind.principal.clone());
            self.snapshot.meta.signed_in_at = Some(committed.now);
        }
        if changes.label.is_some() {
            self.snapshot.meta.label.clone_from(&changes.label);
        }
    }

    /// Takes note of the version of a commit of this request. Where another request committed in between, what was read
    /// is of an older state: the version stays, so that the next fetch finds out.
    pub(super) fn saw(&mut self, committed: &Committed) {
        self.note_access(committed.now);
        self.visitor.knows = committed.version;
        if committed.version == self.snapshot.meta.version.next() {
            self.snapshot.meta.version = committed.version;
        }
    }
}

fn first_meta(creation: &Creation, committed: &Committed) -> Meta {
    Meta {
        version: committed.version,
        created_at: committed.now,
        accessed_at: committed.now,
        max_inactive_interval: creation.max_inactive_interval,
        ends_at: creation.max_lifetime.map(|lifetime| committed.now.plus(lifetime)),
        ticket_issued_at: committed.now,
        principal: creation.bind.as_ref().map(|bind| bind.principal.clone()),
        signed_in_at: creation.bind.as_ref().map(|_| committed.now),
        label: None,
        attributes: 0,
        bytes: 0,
    }
}
