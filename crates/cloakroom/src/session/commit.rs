use std::future::Future;
use std::time::Duration;

use cloakroom_core::{
    Bind, Changes, Commit, CommitId, Conflict, Creation, Error as StoreError, ErrorKind, Gone, Guard, Intent,
    Invalidate, Invalidated, Outcome, Principal, Seed, Ticket, TicketChange,
};

use super::attributes::Edits;
use super::finish::Extent;
use super::inner::Inner;
use super::state::{Carried, CookieDue, Ending, Plan, State, Target, Terms};
use crate::error::Error;

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
        nothing && !matches!(ticket, Some(TicketChange::SignIn { .. }))
    }
}

impl Inner {
    /// Brings to the store what the request has done so far.
    pub(super) async fn apply(&self, extent: Extent) -> Result<(), Error> {
        let _turn = self.turn().await;
        self.apply_ending().await?;
        if extent == Extent::EndingOnly {
            return Ok(());
        }
        let mut prepared = self.prepare()?;
        let Some(prepared) = &mut prepared else { return Ok(()) };
        match self.commit(&prepared.commit).await {
            Ok(outcome) => {
                self.absorb(prepared, outcome)?;
                // A session that was asked to end while it was made.
                self.apply_ending().await
            }
            Err(error) => {
                self.state().unknown(&prepared.commit.changes, &mut prepared.carried);
                Err(error.into())
            }
        }
    }

    /// Ends the sessions that the request has asked to end. The caller holds the gate.
    pub(super) async fn apply_ending(&self) -> Result<(), Error> {
        while let Some(ending) = self.next_ending() {
            self.end(ending).await?;
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
                tracing::info!(session.handle = %guard.handle, existed = !ended.is_empty(), "session invalidated");
                state.cookie = Some(CookieDue::Remove);
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
        self.bounded("commit", once_more(|| store.dyn_commit(commit))).await
    }

    /// Records an access by a commit. Unlike a load, it is no sign that the browser has the ticket.
    pub(super) async fn commit_nothing(&self) -> Result<(), Error> {
        let guard = self.state().opened().map(|open| open.guard).ok_or_else(Error::gone)?;
        let commit = self.commit_of(CommitId::generate()?, guard, Intent::Change, Changes::default());
        match self.commit(&commit).await? {
            Outcome::Committed(_) => Ok(()),
            refused => Err(self.refused(refused)),
        }
    }

    fn prepare(&self) -> Result<Option<Prepared>, Error> {
        let mut state = self.state();
        if let Some(failure) = state.failure.take() {
            return Err(failure);
        }
        let plan = state.plan();
        let prepared = match plan {
            Plan::Nothing => Ok(None),
            Plan::Lost => Err(Error::gone()),
            Plan::Create => self.prepare_create(&mut state),
            Plan::Change => self.prepare_change(&mut state),
        };
        if prepared.is_err() && plan != Plan::Lost {
            // Asked again, it would be refused again, and everything else with it.
            (state.terms.rotate, state.terms.sign_in) = (false, None);
        }
        prepared
    }

    fn prepare_create(&self, state: &mut State) -> Result<Option<Prepared>, Error> {
        let (id, ticket) = (CommitId::generate()?, self.first_ticket(state)?);
        let bind = state.terms.sign_in.clone().map(unlimited);
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
        Ok(Some(Prepared { commit: self.commit_of(id, guard, Intent::Change, changes), ticket, carried }))
    }

    fn next_ticket(&self, held: Ticket, state: &State) -> Result<(Ticket, Option<TicketChange>), Error> {
        let grace = self.settings().rotation_grace;
        let asked = state.terms.rotate || state.terms.sign_in.is_some();
        if state.head_sent && asked {
            return Err(Error::head_sent());
        }
        if let Some(principal) = state.terms.sign_in.clone() {
            let next = held.with_new_secret()?;
            let (proof, bind) = (next.guard().proof, unlimited(principal));
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
        Commit { id, guard, intent, changes, limits: self.settings().limits, age: Duration::ZERO }
    }

    fn absorb(&self, prepared: &mut Prepared, outcome: Outcome) -> Result<(), Error> {
        match outcome {
            Outcome::Committed(committed) => {
                self.state().committed(prepared, &committed);
                Ok(())
            }
            refused => {
                self.state().not_applied(&mut prepared.carried);
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
async fn once_more<T, F>(operation: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    match operation().await {
        Err(error) if error.is_transient() => operation().await,
        answer => answer,
    }
}

fn unlimited(principal: Principal) -> Bind {
    Bind { principal, max_sessions: None }
}
