use std::future::Future;
use std::num::NonZeroU32;
use std::time::Duration;

use cloakroom_core::{
    Bind, Changes, Commit, CommitId, Conflict, Creation, Error as StoreError, ErrorKind, Freshness, Gone,
    Guard, Intent, Invalidate, Invalidated, Outcome, Principal, Seed, Ticket, TicketChange,
};

use super::attributes::Edits;
use super::finish::Extent;
use super::inner::Inner;
use super::state::{Carried, CookieDue, Ending, Plan, State, Target, Terms};
use crate::error::Error;
use crate::events::AskedBy;

/// A commit, the ticket that is current once it is applied, and what it took with it.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) commit: Commit,
    pub(super) ticket: Ticket,
    pub(super) carried: Carried,
}

impl Prepared {
    /// Returns whether nothing is lost if the session is gone.
    fn only_renews(&self) -> bool {
        let Changes { clear, attributes, max_inactive_interval, ticket, label } = &self.commit.changes;
        let nothing = !clear && attributes.is_empty() && max_inactive_interval.is_none() && label.is_none();
        nothing && matches!(ticket, Some(TicketChange::Renew { .. }))
    }
}

impl Inner {
    /// Brings to the store what the request has done so far. The caller holds the gate.
    pub(super) async fn apply(&self, extent: Extent) -> Result<(), Error> {
        self.apply_ending().await?;
        if extent == Extent::EndingOnly {
            return Ok(());
        }
        let applied = self.apply_changes().await;
        // A session that was asked to end meanwhile ends, whatever became of the changes.
        self.apply_ending().await?;
        applied
    }

    async fn apply_changes(&self) -> Result<(), Error> {
        self.complete().await?;
        let mut prepared = self.prepare()?;
        let Some(prepared) = &mut prepared else { return Ok(()) };
        match self.commit(&prepared.commit).await {
            Ok(outcome) => self.absorb(prepared, outcome),
            Err(error) => {
                let needless = prepared.only_renews() && !prepared.carried.terms.rotate;
                let mut state = self.state();
                state.unknown(&prepared.commit.changes, &mut prepared.carried);
                if needless {
                    // What the request came for is done, and a later one renews.
                    state.renewal_due = false;
                    drop(state);
                    Error::from(error).log();
                    return Ok(());
                }
                drop(state);
                Err(error.into())
            }
        }
    }

    /// Ends the sessions that the request has asked to end. The caller holds the gate.
    pub(super) async fn apply_ending(&self) -> Result<(), Error> {
        while let Some(ending) = self.next_ending() {
            Box::pin(self.end(ending)).await?;
        }
        Ok(())
    }

    #[inline]
    fn next_ending(&self) -> Option<Ending> {
        self.state().endings.first().copied()
    }

    async fn end(&self, Ending { ticket, guard }: Ending) -> Result<(), Error> {
        let invalidate = Invalidate::Ticket(guard);
        let store = self.shared.store();
        let answer = self.bounded("invalidate", once_more(|| store.dyn_invalidate(&invalidate))).await?;
        let mut state = self.state();
        state.endings.retain(|ending| ending.guard != guard);
        match answer {
            Invalidated::Done(ended) => {
                if ended.is_empty() {
                    tracing::info!(session.handle = %guard.handle, "no session to end: it was gone");
                }
                ended.iter().for_each(|ended| self.shared.tell_invalidated(ended, AskedBy::Request));
                state.cookie = Some(CookieDue::Remove);
                state.has_ended = true;
            }
            Invalidated::Superseded => {
                state.lost(Gone::Superseded);
                state.target = Target::Superseded(ticket);
            }
        }
        Ok(())
    }

    /// Commits, once more if the connection broke: the commit's id makes the second try safe.
    pub(super) async fn commit(&self, commit: &Commit) -> Result<Outcome, StoreError> {
        let store = self.shared.store();
        let sealed = self.shared.at_rest.seal(commit)?;
        let commit = sealed.as_deref().unwrap_or(commit);
        let answer = self.bounded("commit", once_more(|| store.dyn_commit(commit))).await;
        self.tell_committed(commit, &answer);
        answer
    }

    /// Records an access by a commit. Unlike a load, it is no sign that the browser has the ticket. The caller holds the gate.
    pub(super) async fn commit_nothing(&self) -> Result<(), Error> {
        let guard = self.state().opened().map(|open| open.guard).ok_or_else(Error::gone)?;
        let commit = self.commit_of(CommitId::generate()?, guard, Intent::Change, Changes::default());
        match self.commit(&commit).await? {
            Outcome::Committed(committed) => {
                self.note_access(committed.now);
                Ok(())
            }
            refused => Err(self.refused(refused)),
        }
    }

    fn prepare(&self) -> Result<Option<Prepared>, Error> {
        let mut state = self.state();
        if let Some(refusal) = state.refusal() {
            return Err(refusal);
        }
        let plan = state.plan();
        let prepared = match plan {
            Plan::Nothing => Ok(None),
            Plan::Lost => Err(Error::gone()),
            Plan::Unreachable => Err(Error::store_away()),
            Plan::Create => self.prepare_create(&mut state),
            Plan::Change => self.prepare_change(&mut state),
        };
        if prepared.is_err() && !matches!(plan, Plan::Lost | Plan::Unreachable) {
            // Asked again, it would be refused again, and everything else with it.
            (state.terms.rotate, state.terms.sign_in) = (false, None);
        }
        prepared
    }

    /// Reads what a commit that carries everything does not know any more, because the outcome of another is unknown.
    async fn complete(&self) -> Result<(), Error> {
        if !self.carries_everything() {
            return Ok(());
        }
        let is_due = {
            let state = self.state();
            state.plan() == Plan::Change && state.opened().is_some() && !state.attributes.is_complete()
        };
        if is_due { Box::pin(self.read_again(Vec::new(), Freshness::Any)).await } else { Ok(()) }
    }

    fn prepare_create(&self, state: &mut State) -> Result<Option<Prepared>, Error> {
        let (id, ticket) = (CommitId::generate()?, self.first_ticket(state)?);
        let bind = state.terms.sign_in.clone().map(|principal| self.bind(principal));
        let intent = Intent::Create(self.creation(&state.terms, bind));
        let edits = state.attributes.begin_commit();
        let carried = state.carry(edits.upto);
        let label = carried.terms.label.clone();
        let changes = Changes { attributes: edits.changes, label, ..Changes::default() };
        Ok(Some(Prepared { commit: self.commit_of(id, ticket.guard(), intent, changes), ticket, carried }))
    }

    pub(super) fn first_ticket(&self, state: &State) -> Result<Ticket, Error> {
        if state.head_sent { Err(Error::head_sent()) } else { Ok(Ticket::generate()?) }
    }

    pub(super) fn creation(&self, terms: &Terms, bind: Option<Bind>) -> Creation {
        Creation {
            max_inactive_interval: terms.interval.unwrap_or(self.settings().max_inactive_interval),
            max_lifetime: self.settings().max_lifetime,
            bind,
        }
    }

    fn prepare_change(&self, state: &mut State) -> Result<Option<Prepared>, Error> {
        let (held, guard) = match &state.target {
            Target::Open(open) => (open.ticket, open.guard),
            Target::Superseded(ticket) => (*ticket, ticket.guard()),
            _ => return Err(Error::gone()),
        };
        let id = CommitId::generate()?;
        let (ticket, change) = self.next_ticket(held, state)?;
        let Edits { clear, changes: attributes, upto } = state.attributes.begin_commit();
        let carried = state.carry(upto);
        let changes = Changes {
            clear,
            attributes,
            max_inactive_interval: carried.terms.interval,
            ticket: change,
            label: carried.terms.label.clone(),
        };
        let commit = self.commit_of(id, guard, Intent::Change, changes);
        let mut prepared = Prepared { commit, ticket, carried };
        if self.carries_everything() && !prepared.only_renews() {
            state.attributes.carry_all(&mut prepared.commit.changes);
        }
        Ok(Some(prepared))
    }

    fn next_ticket(&self, held: Ticket, state: &State) -> Result<(Ticket, Option<TicketChange>), Error> {
        let grace = self.settings().rotation_grace;
        let asked = state.terms.rotate || state.terms.sign_in.is_some();
        if state.head_sent && asked {
            return Err(Error::head_sent());
        }
        if let Some(principal) = state.terms.sign_in.clone() {
            let next = held.with_new_secret()?;
            let (proof, bind) = (next.guard().proof, self.bind(principal));
            return Ok((next, Some(TicketChange::SignIn { proof, grace, bind })));
        }
        if state.renews() {
            let seed = Seed::generate()?;
            let next = held.successor(&seed);
            return Ok((next, Some(TicketChange::Renew { proof: next.guard().proof, seed, grace })));
        }
        Ok((held, None))
    }

    #[inline]
    pub(super) fn commit_of(&self, id: CommitId, guard: Guard, intent: Intent, changes: Changes) -> Commit {
        Commit {
            id,
            guard,
            intent,
            changes,
            limits: self.settings().limits,
            age: Duration::ZERO,
            stands_for: NonZeroU32::MIN,
        }
    }

    fn bind(&self, principal: Principal) -> Bind {
        Bind { principal, max_sessions: self.settings().max_sessions }
    }

    fn absorb(&self, prepared: &mut Prepared, outcome: Outcome) -> Result<(), Error> {
        match outcome {
            Outcome::Committed(committed) => {
                self.state().committed(prepared, &committed);
                Ok(())
            }
            refused => {
                self.state().refused(&mut prepared.carried, &refused);
                let refused = self.refused(refused);
                // Nothing is lost where nothing was to be changed.
                let nothing_lost = prepared.only_renews() && refused.kind() == crate::ErrorKind::Gone;
                if nothing_lost { Ok(()) } else { Err(refused) }
            }
        }
    }

    /// Turns the answer to a commit that was not applied into an error.
    pub(super) fn refused(&self, outcome: Outcome) -> Error {
        match outcome {
            Outcome::OverLimit(over) => over.into(),
            Outcome::Conflict(Conflict::Principal) => Error::conflict(),
            Outcome::Conflict(Conflict::Attribute(name)) => Error::contended(name),
            Outcome::Gone(gone) => {
                self.state().lost(gone);
                Error::gone()
            }
            // The handle is 122 random bits: one that is taken means a broken store.
            Outcome::Taken | Outcome::Committed(_) => StoreError::of(ErrorKind::Other, "create").into(),
        }
    }
}

/// Does an operation, and once more if the connection broke.
pub(crate) async fn once_more<T, F>(operation: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    match operation().await {
        Err(error) if error.is_transient() => operation().await,
        answer => answer,
    }
}
