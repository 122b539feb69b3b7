use std::time::Duration;

use cloakroom_core::{
    Bind, Changes, Commit, CommitId, Conflict, Creation, Error as StoreError, ErrorKind, Gone, Guard, Intent,
    Invalidate, Invalidated, Outcome, Seed, Ticket, TicketChange,
};

use super::attributes::Edits;
use super::finish::Extent;
use super::inner::Inner;
use super::state::{CookieDue, Ending, Open, Plan, State, Target, Terms};
use crate::error::Error;

/// A commit, the ticket that is current once it is applied, and the last edit that it carries.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) commit: Commit,
    pub(super) ticket: Ticket,
    pub(super) upto: u64,
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
        if let Some(failure) = self.state().failure.take() {
            return Err(failure);
        }
        let Some(prepared) = self.prepare()? else {
            return Ok(());
        };
        let outcome = self.commit(&prepared.commit).await?;
        self.absorb(&prepared, outcome)
    }

    /// Ends the session that the request has asked to end, if it has. The caller holds the gate.
    pub(super) async fn apply_ending(&self) -> Result<(), Error> {
        let ending = self.state().ending;
        match ending {
            Some(ending) => self.end(ending).await,
            None => Ok(()),
        }
    }

    async fn end(&self, Ending { ticket, guard }: Ending) -> Result<(), Error> {
        let invalidate = Invalidate::Ticket(guard);
        let store = self.shared.store();
        let twice = async {
            match store.dyn_invalidate(&invalidate).await {
                Err(error) if error.is_transient() => store.dyn_invalidate(&invalidate).await,
                answer => answer,
            }
        };
        let answer = self.bounded("invalidate", twice).await?;
        let mut state = self.state();
        state.ending = None;
        match answer {
            Invalidated::Done(ended) => {
                tracing::info!(session.handle = %guard.handle, existed = !ended.is_empty(), "session invalidated");
                state.cookie = Some(CookieDue::Remove);
            }
            Invalidated::Superseded => state.target = Target::Superseded(ticket),
        }
        Ok(())
    }

    /// Commits, once more if the connection broke: the commit's id makes the second try safe.
    pub(super) async fn commit(&self, commit: &Commit) -> Result<Outcome, StoreError> {
        let store = self.shared.store();
        let twice = async {
            match store.dyn_commit(commit).await {
                Err(error) if error.is_transient() => store.dyn_commit(commit).await,
                answer => answer,
            }
        };
        self.bounded("commit", twice).await
    }

    fn prepare(&self) -> Result<Option<Prepared>, Error> {
        let state = self.state();
        match state.plan() {
            Plan::Nothing => Ok(None),
            Plan::Lost => Err(Error::gone()),
            Plan::Create => self.prepare_create(&state).map(Some),
            Plan::Change => self.prepare_change(&state).map(Some),
        }
    }

    fn prepare_create(&self, state: &State) -> Result<Prepared, Error> {
        let ticket = self.first_ticket(state)?;
        let creation = self.creation(&state.terms);
        let edits = state.attributes.edits();
        let changes = Changes {
            attributes: edits.changes.clone(),
            label: state.terms.label.clone(),
            ..Changes::default()
        };
        let commit = self.new_commit(ticket.guard(), Intent::Create(creation), changes)?;
        Ok(Prepared { commit, ticket, upto: edits.upto })
    }

    pub(super) fn first_ticket(&self, state: &State) -> Result<Ticket, Error> {
        if state.head_sent { Err(Error::head_sent()) } else { Ok(Ticket::generate()?) }
    }

    pub(super) fn creation(&self, terms: &Terms) -> Creation {
        Creation {
            max_inactive_interval: terms.interval.unwrap_or(self.settings().max_inactive_interval),
            max_lifetime: self.settings().max_lifetime,
            bind: terms.sign_in.clone().map(|principal| Bind { principal, max_sessions: None }),
        }
    }

    fn prepare_change(&self, state: &State) -> Result<Prepared, Error> {
        let (held, guard) = match &state.target {
            Target::Open(open) => (open.ticket, open.guard),
            Target::Superseded(ticket) => (*ticket, ticket.guard()),
            _ => return Err(Error::gone()),
        };
        let rotate = state.terms.rotate || state.opened().is_some_and(Open::was_renewed);
        let (ticket, change) = self.next_ticket(held, rotate, state)?;
        let Edits { clear, changes: attributes, upto } = state.attributes.edits();
        let changes = Changes {
            clear,
            attributes,
            max_inactive_interval: state.terms.interval,
            ticket: change,
            label: state.terms.label.clone(),
        };
        Ok(Prepared { commit: self.new_commit(guard, Intent::Change, changes)?, ticket, upto })
    }

    fn next_ticket(
        &self,
        held: Ticket,
        rotate: bool,
        state: &State,
    ) -> Result<(Ticket, Option<TicketChange>), Error> {
        let grace = self.settings().rotation_grace;
        let change = state.terms.sign_in.is_some() || rotate;
        if state.head_sent && change {
            return Err(Error::head_sent());
        }
        if let Some(principal) = state.terms.sign_in.clone() {
            let next = held.with_new_secret()?;
            let bind = Bind { principal, max_sessions: None };
            return Ok((next, Some(TicketChange::SignIn { proof: next.guard().proof, grace, bind })));
        }
        if rotate {
            let seed = Seed::generate()?;
            let next = held.successor(&seed);
            return Ok((next, Some(TicketChange::Renew { proof: next.guard().proof, seed, grace })));
        }
        Ok((held, None))
    }

    pub(super) fn new_commit(&self, guard: Guard, intent: Intent, changes: Changes) -> Result<Commit, Error> {
        let limits = self.settings().limits;
        Ok(Commit { id: CommitId::generate()?, guard, intent, changes, limits, age: Duration::ZERO })
    }

    fn absorb(&self, prepared: &Prepared, outcome: Outcome) -> Result<(), Error> {
        match outcome {
            Outcome::Committed(committed) => {
                self.state().committed(prepared, &committed);
                Ok(())
            }
            Outcome::Gone(gone) if prepared.only_renews() => {
                self.lost(gone);
                Ok(())
            }
            refused => Err(self.refused(refused)),
        }
    }

    /// Turns the answer to a commit that was not applied into an error.
    pub(super) fn refused(&self, outcome: Outcome) -> Error {
        match outcome {
            Outcome::OverLimit(over) => over.into(),
            Outcome::Conflict(Conflict::Principal) => Error::conflict(),
            Outcome::Conflict(Conflict::Attribute(name)) => Error::contended(name),
            Outcome::Gone(gone) => {
                self.lost(gone);
                Error::gone()
            }
            // The handle is 122 random bits: one that is taken means a broken store.
            Outcome::Taken | Outcome::Committed(_) => StoreError::of(ErrorKind::Other, "create").into(),
        }
    }

    fn lost(&self, gone: Gone) {
        let mut state = self.state();
        if let Target::Open(open) = &state.target {
            state.target = match gone {
                Gone::Absent => Target::Gone,
                Gone::Superseded => Target::Superseded(open.ticket),
            };
        }
    }
}
