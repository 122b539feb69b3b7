use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    AtLimit, AttributeChange, Bind, Changes, Commit, CommitId, Creation, Edit, Expect, Intent, Label, Limits,
    MaxSessions, Name, Outcome, Principal, Seed, Store, Ticket, TicketChange,
};

/// So long that no case sees the end of it.
pub(crate) const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// A commit in the making.
#[derive(Clone)]
#[must_use]
pub(crate) struct Draft(Commit);

/// Starts a commit that makes a session, which lives [`LONG`] unless told otherwise.
pub(crate) fn create(ticket: &Ticket) -> Draft {
    let creation = Creation { max_inactive_interval: LONG, max_lifetime: None, bind: None };
    draft(ticket, Intent::Create(creation))
}

/// Starts a commit that changes a session.
pub(crate) fn change(ticket: &Ticket) -> Draft {
    draft(ticket, Intent::Change)
}

fn draft(ticket: &Ticket, intent: Intent) -> Draft {
    Draft(Commit {
        id: CommitId::generate().expect("random bytes"),
        guard: ticket.guard(),
        intent,
        changes: Changes::default(),
        limits: Limits::default(),
        age: Duration::ZERO,
        stands_for: NonZeroU32::MIN,
    })
}

impl Draft {
    pub(crate) fn set(self, name: &str, value: impl Into<Bytes>) -> Self {
        self.edit(name, Edit::Set { value: value.into(), ttl: None })
    }

    pub(crate) fn set_for(self, ttl: Duration, name: &str, value: impl Into<Bytes>) -> Self {
        let value = value.into();
        let ttl = Some(ttl);
        self.edit(name, Edit::Set { value, ttl })
    }

    pub(crate) fn remove(self, name: &str) -> Self {
        self.edit(name, Edit::Remove)
    }

    /// Sets what the attribute changed last must be beforehand.
    pub(crate) fn expecting(mut self, expect: Expect) -> Self {
        let last = self.0.changes.attributes.last_mut();
        last.expect("a change to expect something of").expect = Some(expect);
        self
    }

    pub(crate) fn clear(mut self) -> Self {
        self.0.changes.clear = true;
        self
    }

    /// Sets the max inactive interval: of the new session, or of the existing one.
    pub(crate) fn interval(mut self, interval: Duration) -> Self {
        match &mut self.0.intent {
            Intent::Create(creation) => creation.max_inactive_interval = interval,
            Intent::Change => self.0.changes.max_inactive_interval = Some(interval),
        }
        self
    }

    pub(crate) fn lifetime(mut self, lifetime: Duration) -> Self {
        self.creation().max_lifetime = Some(lifetime);
        self
    }

    pub(crate) fn bound_to(mut self, principal: &str) -> Self {
        self.creation().bind = Some(bind(principal, None));
        self
    }

    pub(crate) fn bound_within(mut self, principal: &str, count: u32, at_limit: AtLimit) -> Self {
        self.creation().bind = Some(bind(principal, Some(MaxSessions { count, at_limit })));
        self
    }

    pub(crate) fn renew(mut self, renewal: &Renewal, grace: Duration) -> Self {
        self.0.changes.ticket =
            Some(TicketChange::Renew { proof: renewal.next.guard().proof, seed: renewal.seed, grace });
        self
    }

    pub(crate) fn sign_in(self, next: &Ticket, principal: &str, grace: Duration) -> Self {
        self.sign_in_bound(next, grace, bind(principal, None))
    }

    pub(crate) fn sign_in_within(
        self,
        next: &Ticket,
        principal: &str,
        (count, at_limit): (u32, AtLimit),
    ) -> Self {
        self.sign_in_bound(next, LONG, bind(principal, Some(MaxSessions { count, at_limit })))
    }

    pub(crate) fn label(mut self, label: &str) -> Self {
        self.0.changes.label = Some(Label::new(label.to_owned()).expect("a label"));
        self
    }

    pub(crate) fn limits(mut self, limits: Limits) -> Self {
        self.0.limits = limits;
        self
    }

    pub(crate) fn age(mut self, age: Duration) -> Self {
        self.0.age = age;
        self
    }

    pub(crate) fn stands_for(mut self, count: u32) -> Self {
        self.0.stands_for = NonZeroU32::new(count).expect("one commit or more");
        self
    }

    /// Asks with another ticket.
    pub(crate) fn by(mut self, ticket: &Ticket) -> Self {
        self.0.guard = ticket.guard();
        self
    }

    /// Gives it an id of its own, where a draft is cloned to be another commit.
    pub(crate) fn anew(mut self) -> Self {
        self.0.id = CommitId::generate().expect("random bytes");
        self
    }

    /// Commits, and expects an answer.
    pub(crate) async fn on(&self, store: &impl Store) -> Outcome {
        store.commit(&self.0).await.expect("commit: the store must answer")
    }

    /// Returns the commit.
    pub(crate) fn commit(&self) -> &Commit {
        &self.0
    }

    fn sign_in_bound(mut self, next: &Ticket, grace: Duration, bind: Bind) -> Self {
        self.0.changes.ticket = Some(TicketChange::SignIn { proof: next.guard().proof, grace, bind });
        self
    }

    fn edit(mut self, name: &str, edit: Edit) -> Self {
        self.0.changes.attributes.push(AttributeChange { name: self::name(name), edit, expect: None });
        self
    }

    fn creation(&mut self) -> &mut Creation {
        match &mut self.0.intent {
            Intent::Create(creation) => creation,
            Intent::Change => panic!("only a create has terms"),
        }
    }
}

/// A renewal that is about to be asked for.
#[derive(Clone, Copy)]
pub(crate) struct Renewal {
    pub(crate) seed: Seed,
    pub(crate) next: Ticket,
}

/// Prepares to renew this ticket.
pub(crate) fn renewal(ticket: &Ticket) -> Renewal {
    let seed = Seed::generate().expect("random bytes");
    Renewal { seed, next: ticket.successor(&seed) }
}

/// Draws the ticket of a new session.
pub(crate) fn ticket() -> Ticket {
    Ticket::generate().expect("random bytes")
}

/// Draws another ticket for the same session.
pub(crate) fn other_ticket(ticket: &Ticket) -> Ticket {
    ticket.with_new_secret().expect("random bytes")
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text.to_owned()).expect("a name")
}

pub(crate) fn principal(text: &str) -> Principal {
    Principal::new(text.to_owned()).expect("a principal")
}

fn bind(text: &str, max_sessions: Option<MaxSessions>) -> Bind {
    Bind { principal: principal(text), max_sessions }
}
