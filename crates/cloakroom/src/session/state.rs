use std::task::Waker;
use std::time::Duration;

use cloakroom_core::{
    Changes, Gone, Guard, Label, Limit, Load, Name, Opened, Outcome, Principal, Ticket, Timestamp, Touch,
    Version,
};

use super::attributes::{Attributes, Seen};
use super::stale::Visitor;
use crate::at_rest::Opener;
use crate::error::{Error, ErrorKind};
use crate::foresight::{Reads, Route};

/// What a request knows of its session and did to it. Behind a lock that is never held across an await.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) target: Target,
    /// Whether no ticket of this request opened a session.
    pub(super) is_new: bool,
    /// Whether the request came with a ticket that a sign-in had replaced: it has no session that could end.
    pub(super) came_superseded: bool,
    pub(super) attributes: Attributes,
    pub(super) terms: Terms,
    /// Counts the sessions that this request had: what was begun for one must not reach the next.
    pub(super) epoch: u64,
    /// The sessions that the request has asked to end, until the store has done it.
    pub(super) endings: Vec<Ending>,
    /// Why nothing is committed: a value could not be encoded, or what there was to be committed was given up.
    pub(super) failure: Option<Error>,
    pub(super) cookie: Option<CookieDue>,
    /// Whether a session of this request has been ended in the store.
    pub(super) has_ended: bool,
    /// Whether the ticket is old enough to be renewed by itself.
    pub(super) renewal_due: bool,
    /// Whether the response's head has gone out, or the request is over.
    pub(super) head_sent: bool,
    /// Whether the source was asked, and no copy.
    pub(super) is_latest: bool,
    /// Whether the request has failed, so that what it had changed until then was given up.
    pub(super) abandoned: bool,
    /// How many sessions could not be ended, of which the answer and the log have told.
    reported_endings: usize,
    /// Whether an operation on the store is under way: they follow one another.
    pub(super) busy: bool,
    /// Those that wait for it to end.
    waiting: Vec<Waker>,
    /// The request's route, if something is to be learned of it.
    pub(super) route: Option<Route>,
    /// What the request reads: from the start where something is remembered of its route, or else from its first fetch on.
    pub(super) reads: Option<Box<Reads>>,
    /// What is to be fetched.
    pub(super) wishes: Vec<Name>,
}

/// What the request's changes are to be applied to.
#[derive(Debug, Default)]
pub(super) enum Target {
    /// Nothing was loaded: the request has not asked for its session.
    #[default]
    Unopened,
    /// A session that does not exist yet.
    New,
    /// A session in the store.
    Open(Open),
    /// A session whose ticket was replaced by a sign-in: only the same sign-in may still reach it.
    Superseded(Ticket),
    /// A session that has ended under the request. Changes to it are lost.
    Gone,
    /// A session that could not be loaded, on a route that may do without. It seems empty, and nothing can be changed.
    Unreachable,
}

/// An open session, and the ticket that the request holds for it.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) ticket: Ticket,
    pub(super) guard: Guard,
    /// What the store last showed of it, but for the attributes, which are in [`Attributes`].
    pub(super) snapshot: Box<Opened>,
    /// The store's time when the request last heard of it.
    pub(super) heard_at: Timestamp,
    /// Whether its load was an access, as far as that was due.
    pub(super) counts: bool,
    /// Whether an access is known to be recorded as of the snapshot's time.
    pub(super) accessed: bool,
    /// Whether this request was given the ticket, so that its own loads with it do not show that the browser has it.
    pub(super) reissued: bool,
    pub(super) visitor: Visitor,
}

/// Changes to a session that are not attributes.
#[derive(Debug, Default)]
pub(super) struct Terms {
    pub(super) interval: Option<Duration>,
    pub(super) label: Option<Label>,
    pub(super) rotate: bool,
    pub(super) sign_in: Option<Principal>,
}

/// What a commit takes with it out of the state.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) epoch: u64,
    /// The last edit that it includes.
    pub(super) upto: u64,
    pub(super) terms: Terms,
    /// Whether the request had failed before.
    abandoned: bool,
}

/// A session that the request has asked to end, and the ticket that it held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    pub(super) ticket: Ticket,
    pub(super) guard: Guard,
}

/// What the response must tell the browser.
#[derive(Clone, Copy, Debug)]
pub(super) enum CookieDue {
    Set(Ticket),
    Remove,
}

impl Terms {
    /// Puts terms that were not applied back under those that came after them.
    fn put_back(&mut self, before: Self) {
        self.interval = self.interval.or(before.interval);
        self.label = self.label.take().or(before.label);
        self.rotate |= before.rotate;
        self.sign_in = self.sign_in.take().or(before.sign_in);
    }

    fn are_changed(&self) -> bool {
        self.interval.is_some() || self.label.is_some() || self.rotate || self.sign_in.is_some()
    }
}

impl State {
    /// Begins an operation on the store, unless another is under way: then `waiter` is woken when that has ended.
    pub(super) fn begin_turn(&mut self, waiter: &Waker) -> bool {
        if self.busy {
            self.waiting.push(waiter.clone());
            return false;
        }
        self.busy = true;
        true
    }

    /// Ends it, and returns who waits. All of them are to be woken: whoever is woken need not be polled any more.
    pub(super) fn end_turn(&mut self) -> Vec<Waker> {
        self.busy = false;
        std::mem::take(&mut self.waiting)
    }

    pub(super) fn is_loaded(&self) -> bool {
        !matches!(self.target, Target::Unopened)
    }

    /// Returns whether the store has no attribute that this request does not know of.
    pub(super) fn knows_all_names(&self) -> bool {
        self.attributes.is_complete() || self.opened().is_none()
    }

    pub(super) fn opened(&self) -> Option<&Open> {
        match &self.target {
            Target::Open(open) => Some(open),
            _ => None,
        }
    }

    /// Takes note of the session that a ticket has opened by this load, of which the visitor has brought this version.
    pub(super) fn open(
        &mut self,
        (ticket, brought): (Ticket, Version),
        (load, opener): (&Load, Opener),
        mut snapshot: Box<Opened>,
    ) {
        let found = std::mem::take(&mut snapshot.attributes);
        self.attributes.loaded(&load.select.values, found, snapshot.now, opener);
        let visitor = Visitor::shown(brought, snapshot.meta.version);
        let (guard, counts) = (load.guard, load.touch != Touch::Never);
        let heard_at = snapshot.now;
        let (accessed, reissued) = (false, false);
        let open = Open { ticket, guard, snapshot, heard_at, counts, accessed, reissued, visitor };
        self.target = Target::Open(open);
    }

    /// Takes note that so many attributes had to be fetched.
    pub(super) fn fetched(&mut self, count: usize) {
        if self.reads.is_none()
            && let Some(route) = self.route
        {
            let mut reads = Reads::of_unknown(route);
            self.attributes.read_and_unchanged().for_each(|name| reads.note(&name));
            self.reads = Some(Box::new(reads));
        }
        if let Some(reads) = &mut self.reads {
            reads.fetched(count);
        }
    }

    /// Takes note that these are to be fetched.
    pub(super) fn wish(&mut self, names: &[Name]) {
        for name in names {
            if !self.wishes.contains(name) {
                self.wishes.push(name.clone());
            }
        }
    }

    /// Returns what the request sees under a name, and takes note that it has asked.
    #[inline]
    pub(super) fn look(&mut self, name: &Name) -> Seen {
        let seen = self.attributes.look(name.as_str());
        if let Some(reads) = &mut self.reads
            && !matches!(seen, Seen::Unknown)
            && self.attributes.is_as_found(name.as_str())
        {
            reads.note(name);
        }
        seen
    }

    /// Returns whether changes have no session that they could be applied to.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.target, Target::Superseded(_) | Target::Gone)
    }

    /// Turns to a session that does not exist yet.
    pub(super) fn start_anew(&mut self) {
        self.epoch += 1;
        self.target = Target::New;
        self.attributes = Attributes::none();
        self.wishes.clear();
        self.terms = Terms::default();
        self.renewal_due = false;
    }

    /// Asks for the session to end. What the request sets from now on goes to a new one.
    pub(super) fn end(&mut self) {
        if let Target::Open(open) = &self.target {
            self.endings.push(Ending { ticket: open.ticket, guard: open.guard });
        }
        match self.target {
            Target::Unopened | Target::Superseded(_) => {}
            Target::Unreachable => self.failure = Some(Error::store_away()),
            _ => self.start_anew(),
        }
    }

    /// Returns whether the session has a ticket that the browser was not given yet.
    pub(super) fn has_undelivered_ticket(&self) -> bool {
        matches!(self.cookie, Some(CookieDue::Set(_))) && !self.head_sent
    }

    /// Returns whether it is not known that the browser has the session's ticket: its answer may be lost on its way.
    pub(super) fn may_lack_ticket(&self) -> bool {
        self.has_undelivered_ticket() || self.opened().is_some_and(|open| open.reissued)
    }

    /// Takes note that a commit was not applied. What it carried is still to be done.
    pub(super) fn not_applied(&mut self, carried: &mut Carried) {
        if carried.epoch == self.epoch {
            self.attributes.refused();
            if carried.abandoned == self.abandoned {
                self.terms.put_back(std::mem::take(&mut carried.terms));
            }
        }
    }

    /// Takes note that the store refused a commit. A sign-in that the limit on sessions refuses takes what was to be
    /// committed with it along, so that the handler can answer in its place.
    pub(super) fn refused(&mut self, carried: &mut Carried, outcome: &Outcome) {
        let too_many =
            matches!(outcome, Outcome::OverLimit(over) if over.limit == Limit::SessionsOfPrincipal);
        if too_many && carried.epoch == self.epoch {
            self.attributes.drop_edits(carried.upto);
        } else {
            self.not_applied(carried);
        }
    }

    /// Takes note that nobody knows whether a commit was applied.
    pub(super) fn unknown(&mut self, changes: &Changes, carried: &mut Carried) {
        if carried.epoch == self.epoch && self.opened().is_some() {
            self.attributes.unknown(changes);
        }
        self.not_applied(carried);
    }

    /// Takes note that the session is gone. A ticket that was still to be given out is worth nothing.
    pub(super) fn lost(&mut self, gone: Gone) {
        if matches!(self.cookie, Some(CookieDue::Set(_))) {
            self.cookie = None;
        }
        if let Target::Open(open) = &self.target {
            self.target = match gone {
                Gone::Absent => Target::Gone,
                Gone::Superseded => Target::Superseded(open.ticket),
            };
        }
    }

    /// Takes the terms for a commit that includes the edits up to `upto`.
    pub(super) fn carry(&mut self, upto: u64) -> Carried {
        let terms = std::mem::take(&mut self.terms);
        Carried { epoch: self.epoch, upto, terms, abandoned: self.abandoned }
    }

    /// Gives up what the request has changed and not committed, for it has failed. Whoever commits next is told why: it may be
    /// theirs. A commit that is under way runs to its end.
    pub(super) fn give_up(&mut self, under_way: bool, why: fn() -> Error) {
        self.abandoned = true;
        let terms = std::mem::take(&mut self.terms);
        let edits = self.attributes.give_up(under_way);
        if edits || terms.are_changed() || self.failure.is_some() {
            self.failure = Some(why());
        }
    }

    /// Takes note of the end of the request: its head goes out, with the cookie that is returned.
    pub(super) fn settled(&mut self, error: Option<&Error>) -> Option<CookieDue> {
        self.head_sent = true;
        if let Some(error) = error {
            let gone = error.kind() == ErrorKind::Gone;
            self.give_up(false, if gone { Error::gone } else { Error::request_failed });
            self.reported_endings = self.endings.len();
        }
        self.cookie.take()
    }

    /// Returns why nothing can be committed, if so. As long as there is an answer to come, that is to say so too.
    pub(super) fn refusal(&mut self) -> Option<Error> {
        let failure = self.failure.take()?;
        if !self.head_sent && !self.abandoned {
            self.failure = Some(failure.again());
        }
        Some(failure)
    }

    /// Returns whether a commit is to renew the ticket: because it was asked to, because of its age, or to give the
    /// browser again what it did not get.
    pub(super) fn renews(&self) -> bool {
        self.terms.rotate || self.renews_unasked()
    }

    /// Returns whether the ticket is too old, or the browser must be given the renewed one again, because it still shows the
    /// one before.
    fn renews_unasked(&self) -> bool {
        !self.head_sent && (self.renewal_due || self.opened().is_some_and(Open::was_renewed))
    }

    /// Returns whether something was asked for that the store has not been told.
    pub(super) fn has_unapplied(&self) -> bool {
        !self.endings.is_empty() || self.failure.is_some() || self.plan() != Plan::Nothing
    }

    /// Returns whether something is lost with the request that nobody was told of.
    pub(super) fn has_unreported(&self) -> bool {
        let nothing_since = || self.plan() == Plan::Nothing && self.endings.len() <= self.reported_endings;
        self.has_unapplied() && !(self.abandoned && nothing_since())
    }

    /// Returns what a commit would do now.
    pub(super) fn plan(&self) -> Plan {
        let sets = || self.attributes.sets() || self.terms.sign_in.is_some();
        let changed = || self.attributes.has_edits() || self.terms.are_changed();
        match &self.target {
            Target::Unopened => Plan::Nothing,
            Target::New if sets() => Plan::Create,
            Target::New => Plan::Nothing,
            Target::Open(_) if changed() || self.renews_unasked() => Plan::Change,
            Target::Open(_) => Plan::Nothing,
            Target::Superseded(_) if self.terms.sign_in.is_some() => Plan::Change,
            Target::Superseded(_) | Target::Gone if changed() => Plan::Lost,
            Target::Unreachable if changed() => Plan::Unreachable,
            Target::Superseded(_) | Target::Gone | Target::Unreachable => Plan::Nothing,
        }
    }
}

/// What a commit would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing has changed, or only in a session that does not exist.
    Nothing,
    /// Make a session.
    Create,
    /// Change the open session.
    Change,
    /// There are changes, and no session to apply them to.
    Lost,
    /// There are changes, and the session that they are to be applied to could not be loaded.
    Unreachable,
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::{Meta, Seed, Standing};

    fn opened(standing: Standing) -> State {
        let ticket = Ticket::generate().unwrap();
        let meta = Meta {
            version: Version(1),
            created_at: Timestamp::default(),
            accessed_at: Timestamp::default(),
            max_inactive_interval: Duration::from_secs(1),
            ends_at: None,
            ticket_issued_at: Timestamp::default(),
            principal: None,
            signed_in_at: None,
            label: None,
            attributes: 0,
            bytes: 0,
        };
        let snapshot =
            Opened { standing, now: Timestamp::default(), meta, attributes: Vec::new(), names: None };
        let target = Target::Open(Open {
            ticket,
            guard: ticket.guard(),
            snapshot: Box::new(snapshot),
            heard_at: Timestamp::default(),
            counts: true,
            accessed: false,
            reissued: false,
            visitor: Visitor::of_new(Version(1)),
        });
        State { target, ..State::default() }
    }

    fn fresh() -> State {
        let mut state = State::default();
        state.start_anew();
        state
    }

    fn with(mut state: State, change: impl FnOnce(&mut State)) -> Plan {
        change(&mut state);
        state.plan()
    }

    fn set(state: &mut State) {
        state.attributes.set(&Name::new("a").unwrap(), "1".into(), None);
    }

    fn remove(state: &mut State) {
        state.attributes.remove(&Name::new("a").unwrap());
    }

    fn sign_in(state: &mut State) {
        state.terms.sign_in = Principal::new("ada").ok();
    }

    type Change = fn(&mut State);

    #[test]
    fn the_plan_follows_from_the_state() {
        let current = || opened(Standing::Current);
        let previous = |seed| opened(Standing::Previous(seed));
        let superseded =
            || State { target: Target::Superseded(Ticket::generate().unwrap()), ..State::default() };
        let gone = || State { target: Target::Gone, ..State::default() };
        let unreachable = || State { target: Target::Unreachable, ..State::default() };
        let seed = Some(Seed::from_bytes([0; 16]));
        let cases: [(&str, State, Change, Plan); 23] = [
            ("not asked for", State::default(), |_| {}, Plan::Nothing),
            ("new and only read", fresh(), |_| {}, Plan::Nothing),
            ("new and set", fresh(), set, Plan::Create),
            ("new and removed", fresh(), remove, Plan::Nothing),
            ("new and rotated", fresh(), |it| it.terms.rotate = true, Plan::Nothing),
            ("new and interval", fresh(), |it| it.terms.interval = Some(Duration::MAX), Plan::Nothing),
            ("new and signed in", fresh(), sign_in, Plan::Create),
            ("open and only read", current(), |_| {}, Plan::Nothing),
            ("open and set", current(), set, Plan::Change),
            ("open and removed", current(), remove, Plan::Change),
            ("open and rotated", current(), |it| it.terms.rotate = true, Plan::Change),
            ("open and ended", current(), State::end, Plan::Nothing),
            ("open and old", current(), |it| it.renewal_due = true, Plan::Change),
            (
                "open and old, too late",
                current(),
                |it| (it.renewal_due, it.head_sent) = (true, true),
                Plan::Nothing,
            ),
            ("the ticket before, answer lost", previous(seed), |_| {}, Plan::Change),
            ("the ticket before, answer arrived", previous(None), |_| {}, Plan::Nothing),
            ("superseded and set", superseded(), set, Plan::Lost),
            ("superseded and only read", superseded(), |_| {}, Plan::Nothing),
            ("superseded and signed in", superseded(), sign_in, Plan::Change),
            ("gone and set", gone(), set, Plan::Lost),
            ("unreachable and only read", unreachable(), |_| {}, Plan::Nothing),
            ("unreachable and set", unreachable(), set, Plan::Unreachable),
            ("unreachable and signed in", unreachable(), sign_in, Plan::Unreachable),
        ];
        for (case, state, change, plan) in cases {
            assert_eq!(with(state, change), plan, "{case}");
        }
    }

    #[test]
    fn after_an_end_what_is_set_goes_to_a_new_session() {
        let mut state = opened(Standing::Current);
        set(&mut state);
        state.end();
        assert_eq!(state.plan(), Plan::Nothing, "what was set before is gone with the session");
        set(&mut state);
        assert_eq!(state.plan(), Plan::Create);
        assert!(!state.endings.is_empty());
    }

    #[test]
    fn a_superseded_ticket_cannot_end_the_session() {
        let mut state = State { target: Target::Superseded(Ticket::generate().unwrap()), ..State::default() };
        state.end();
        assert!(state.endings.is_empty());
        set(&mut state);
        assert_eq!(state.plan(), Plan::Lost, "nor make a new one, which would need a cookie");
    }
}
