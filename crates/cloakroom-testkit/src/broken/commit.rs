use std::num::NonZeroU32;
use std::time::Duration;

use cloakroom_core::{
    AttributeChange, Bind, Commit, CommitId, Creation, Edit, Error, Freshness, Gone, Guard, Intent, Limit,
    Limits, Load, Loaded, Name, Opened, Outcome, OverLimit, Select, Store, TicketChange, TicketFate, Touch,
    Wanted,
};

use super::store::pause;
use super::{BrokenStore, Flaw};

impl BrokenStore {
    pub(super) async fn commit_wrongly(&self, commit: &Commit) -> Result<Outcome, Error> {
        let mut commit = commit.clone();
        commit.guard = self.guard(commit.guard);
        spoil(self.flaw, &mut commit)?;
        let outcome = match self.flaw {
            Flaw::LosesAnUpdate => self.commit_whole(commit.clone()).await?,
            Flaw::ForgetsToExtendOnCommit => self.commit_without_access(commit.clone()).await?,
            Flaw::TearsACommit => self.commit_in_two(commit.clone()).await?,
            Flaw::CountsThenSignsIn => self.count_then_commit(commit.clone()).await?,
            Flaw::LeavesALockBehind => self.commit_locked(&commit).await?,
            _ => self.right.commit(&commit).await?,
        };
        let outcome = match outcome {
            Outcome::Gone(Gone::Absent) => self.commit_to_nothing(&commit).await?,
            outcome => outcome,
        };
        self.remember_proof(&commit, &outcome);
        Ok(outcome)
    }

    fn remember_proof(&self, commit: &Commit, outcome: &Outcome) {
        let Outcome::Committed(committed) = outcome else {
            return;
        };
        let proof = match &commit.changes.ticket {
            Some(TicketChange::Renew { proof, .. } | TicketChange::SignIn { proof, .. })
                if committed.ticket == TicketFate::Changed =>
            {
                *proof
            }
            _ if matches!(commit.intent, Intent::Create(_)) => commit.guard.proof,
            _ => return,
        };
        self.remember(commit.guard.handle, proof);
    }

    async fn snapshot(&self, commit: &Commit) -> Result<Option<Opened>, Error> {
        Ok(match self.look(commit.guard).await? {
            Loaded::Open(opened) => Some(*opened),
            _ => None,
        })
    }

    /// Returns whether a ticket opens a session, or was replaced by a sign-in.
    pub(super) async fn is_open(&self, guard: Guard) -> Result<bool, Error> {
        Ok(!matches!(self.look(guard).await?, Loaded::Absent))
    }

    async fn look(&self, guard: Guard) -> Result<Loaded, Error> {
        let load = Load {
            guard,
            select: Select { values: Wanted::Everything, names: false },
            touch: Touch::Never,
            freshness: Freshness::Any,
        };
        self.right.load(&load).await
    }

    async fn commit_whole(&self, mut commit: Commit) -> Result<Outcome, Error> {
        if let Some(opened) = self.snapshot(&commit).await? {
            pause().await;
            let is_kept = |name: &Name| !commit.changes.attributes.iter().any(|change| change.name == *name);
            let mut kept = opened.attributes;
            kept.retain(|held| !commit.changes.clear && is_kept(&held.name));
            commit.changes.clear = true;
            commit.changes.attributes.extend(kept.into_iter().map(|held| AttributeChange {
                name: held.name,
                edit: Edit::Set { value: held.value, ttl: held.lapses_at.map(|at| at.since(opened.now)) },
                expect: None,
            }));
        }
        self.right.commit(&commit).await
    }

    async fn commit_without_access(&self, mut commit: Commit) -> Result<Outcome, Error> {
        if let Some(opened) = self.snapshot(&commit).await? {
            commit.age = opened.now.since(opened.meta.accessed_at);
        }
        self.right.commit(&commit).await
    }

    async fn commit_in_two(&self, mut commit: Commit) -> Result<Outcome, Error> {
        let count = commit.changes.attributes.len();
        let later = commit.changes.attributes.split_off(count - count / 2);
        let outcome = self.right.commit(&commit).await?;
        if later.is_empty() || !matches!(outcome, Outcome::Committed(_)) {
            return Ok(outcome);
        }
        pause().await;
        commit.id = CommitId::generate()?;
        commit.intent = Intent::Change;
        commit.changes.clear = false;
        commit.changes.ticket = None;
        commit.changes.attributes = later;
        self.right.commit(&commit).await
    }

    async fn count_then_commit(&self, mut commit: Commit) -> Result<Outcome, Error> {
        let limit =
            bind_of(&mut commit).and_then(|bind| Some((bind.principal.clone(), bind.max_sessions.take()?)));
        if let Some((principal, max_sessions)) = limit {
            let sessions = self.right.sessions_of(&principal).await?;
            let others = sessions.iter().filter(|session| session.handle != commit.guard.handle);
            if others.count() >= max_sessions.count as usize {
                return Ok(Outcome::OverLimit(OverLimit {
                    limit: Limit::SessionsOfPrincipal,
                    max: max_sessions.count.into(),
                }));
            }
            pause().await;
        }
        self.right.commit(&commit).await
    }

    async fn commit_locked(&self, commit: &Commit) -> Result<Outcome, Error> {
        if let Ok(permit) = self.lock.acquire().await {
            permit.forget();
        }
        pause().await;
        let outcome = self.right.commit(commit).await;
        self.lock.add_permits(1);
        outcome
    }

    /// Decides what becomes of a commit to a session that is not there.
    async fn commit_to_nothing(&self, commit: &Commit) -> Result<Outcome, Error> {
        let was_there = self.proof(commit.guard.handle).is_some();
        let creates = match self.flaw {
            Flaw::Resurrects => was_there,
            Flaw::AdoptsAnId => !was_there,
            Flaw::ExtendsLate => return self.slow.commit(commit).await,
            _ => false,
        };
        if !creates {
            return Ok(Outcome::Gone(Gone::Absent));
        }
        let mut create = commit.clone();
        create.intent = Intent::Create(Creation {
            max_inactive_interval: Duration::from_secs(3600),
            max_lifetime: None,
            bind: None,
        });
        self.right.commit(&create).await
    }
}

/// Changes a commit as the flaw has it.
fn spoil(flaw: Flaw, commit: &mut Commit) -> Result<(), Error> {
    let changes = &mut commit.changes;
    match flaw {
        Flaw::AppliesARetryTwice => commit.id = CommitId::generate()?,
        Flaw::IgnoresTheAge => commit.age = Duration::ZERO,
        Flaw::CountsOneForSeveral => commit.stands_for = NonZeroU32::MIN,
        Flaw::IgnoresExpectations => changes.attributes.iter_mut().for_each(|change| change.expect = None),
        Flaw::KeepsTheLapsed => changes.attributes.iter_mut().for_each(|change| keep(&mut change.edit)),
        Flaw::TrimsNames => {
            for change in &mut changes.attributes {
                change.name = trimmed(&change.name);
            }
        }
        Flaw::IgnoresLimits => {
            commit.limits =
                Limits { attribute_bytes: u64::MAX, session_bytes: u64::MAX, attributes: u32::MAX };
        }
        Flaw::ForgetsTheGrace | Flaw::ForgetsTheEndOfTheGrace => {
            if let Some(TicketChange::Renew { grace, .. }) = &mut changes.ticket {
                let endless = flaw == Flaw::ForgetsTheEndOfTheGrace;
                *grace = if endless { Duration::MAX } else { Duration::ZERO };
            }
        }
        _ => {}
    }
    Ok(())
}

fn keep(edit: &mut Edit) {
    if let Edit::Set { ttl, .. } = edit {
        *ttl = None;
    }
}

fn bind_of(commit: &mut Commit) -> Option<&mut Bind> {
    match (&mut commit.intent, &mut commit.changes.ticket) {
        (Intent::Create(creation), _) => creation.bind.as_mut(),
        (Intent::Change, Some(TicketChange::SignIn { bind, .. })) => Some(bind),
        _ => None,
    }
}

/// Returns the name without trailing blanks, as some collations see it.
pub(super) fn trimmed(name: &Name) -> Name {
    let text = name.as_str().trim_end_matches(' ');
    Name::new(text.to_owned()).unwrap_or_else(|_| name.clone())
}
