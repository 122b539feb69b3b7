use std::time::{Duration, Instant};

use cloakroom_core::{
    Bind, Commit, Ended, Error, ErrorKind, Gone, Handle, Intent, MaxSessions, Outcome, Principal, TicketFate,
    Timestamp, Verdict,
};

use super::commit::{COMMIT, committed, decide};
use super::end::{End, PAUSE, Theirs, UNDER_WAY};
use super::{NatsStore, at};
use crate::wire::{Index, Turn};

/// How long a sign-in to one of a limited number of sessions may take, and how long the next waits for one that was not
/// finished. The difference is how much two servers may differ about the time.
const TURN: Duration = Duration::from_secs(3);
const TURN_AND_CLOCKS: Duration = Duration::from_millis(3250);

/// How long to wait, and twice that at most, before looking again whether it is one's turn.
const WAIT: Duration = Duration::from_millis(5);

/// How often a sign-in is begun anew because it took too long.
const ATTEMPTS: usize = 5;

impl NatsStore {
    /// Applies a commit that binds a principal, after the session was entered in their index: so the index has every session
    /// that is bound.
    pub(super) async fn sign_in(&self, commit: &Commit, bind: &Bind) -> Result<Outcome, Error> {
        if let Some(max) = bind.max_sessions {
            return self.sign_in_within(commit, &bind.principal, max).await;
        }
        let (principal, handle) = (&bind.principal, commit.guard.handle);
        let now = self.clock.now(&self.jet).await.map_err(at(COMMIT))?;
        self.change_index(COMMIT, principal, |index| {
            index.enter(handle, now);
            true
        })
        .await?;
        let outcome = self.apply(commit).await?;
        if !is_bound(&outcome) {
            return Ok(outcome);
        }
        let (_, index) = self.index(COMMIT, principal).await?;
        self.unless_undone(handle, principal, &index, outcome).await
    }

    /// Answers a sign-in. Where all of the principal's sessions were to end meanwhile, whoever ends them may have missed this one:
    /// then it is undone.
    async fn unless_undone(
        &self,
        handle: Handle,
        principal: &Principal,
        index: &Index,
        outcome: Outcome,
    ) -> Result<Outcome, Error> {
        if index.expects(handle) {
            return Ok(outcome);
        }
        let began = Instant::now();
        while began.elapsed() < UNDER_WAY {
            let found = self.live_among(COMMIT, principal, vec![handle]).await?;
            if found.iter().all(|(_, theirs)| matches!(theirs, Theirs::Not)) {
                return Ok(outcome);
            }
            tokio::time::sleep(PAUSE).await;
        }
        match self.end_one(COMMIT, handle, Some(principal)).await? {
            End::Ended(_) => Ok(Outcome::Gone(Gone::Absent)),
            End::Superseded | End::Nothing => Ok(outcome),
        }
    }

    /// The same where the principal may have so many sessions: makes room before the session is bound. Sign-ins of one
    /// principal take turns, so that there are never more sessions than allowed.
    async fn sign_in_within(
        &self,
        commit: &Commit,
        principal: &Principal,
        max: MaxSessions,
    ) -> Result<Outcome, Error> {
        let mut ended = Vec::new();
        for _ in 0..ATTEMPTS {
            // What would be refused must not end anything.
            if let Some(outcome) = self.ask(commit).await? {
                return Ok(outcome);
            }
            let (index, until) = self.take_turn(commit, principal).await?;
            let outcome = self.sign_in_in_turn(commit, principal, max, (&index, until), &mut ended).await;
            let index = self.yield_turn(commit, principal).await;
            let Some(mut outcome) = outcome? else { continue };
            if is_bound(&outcome) {
                outcome = self.unless_undone(commit.guard.handle, principal, &index?, outcome).await?;
            }
            if let Outcome::Committed(committed) = &mut outcome {
                committed.ended = ended;
            }
            return Ok(outcome);
        }
        Err(Error::of(ErrorKind::Timeout, COMMIT))
    }

    /// Returns the answer to a commit that would not be applied.
    async fn ask(&self, commit: &Commit) -> Result<Option<Outcome>, Error> {
        let current = self.current(COMMIT, commit.guard.handle).await?;
        match (&commit.intent, current.manifest) {
            (Intent::Create(_), None) => Ok(None),
            (Intent::Create(_), Some(manifest)) => {
                let known = manifest.record.repeated(commit).map(|known| committed(known, current.now));
                Ok(Some(known.unwrap_or(Outcome::Taken)))
            }
            (Intent::Change, None) => Ok(Some(Outcome::Gone(Gone::Absent))),
            (Intent::Change, Some(manifest)) if manifest.is_closed() => Ok(Some(Outcome::Gone(Gone::Absent))),
            (Intent::Change, Some(mut manifest)) => match decide(commit, &mut manifest, current.now) {
                Verdict::Apply(_) => Ok(None),
                Verdict::Answer(outcome) => Ok(Some(outcome)),
            },
        }
    }

    /// Returns `None` where it took too long.
    async fn sign_in_in_turn(
        &self,
        commit: &Commit,
        principal: &Principal,
        max: MaxSessions,
        (index, until): (&Index, Timestamp),
        ended: &mut Vec<Ended>,
    ) -> Result<Option<Outcome>, Error> {
        let own = commit.guard.handle;
        let others = index.listed.iter().map(|it| it.handle).filter(|it| *it != own).collect();
        let found = self.live_among(COMMIT, principal, others).await?;
        self.forget_gone(principal, index, &found).await?;
        let live: Vec<(Timestamp, Handle)> = found
            .into_iter()
            .filter_map(|(handle, theirs)| {
                Some((theirs.live()?.record.signed_in_at.unwrap_or_default(), handle))
            })
            .collect();
        let oldest = match max.make_room(live) {
            Ok(oldest) => oldest,
            Err(over) => return Ok(Some(Outcome::OverLimit(over))),
        };
        for handle in oldest {
            if let End::Ended(it) = self.end_one(COMMIT, handle, Some(principal)).await? {
                ended.push(*it);
            }
        }
        if self.clock.now(&self.jet).await.map_err(at(COMMIT))? >= until {
            return Ok(None);
        }
        self.apply(commit).await.map(Some)
    }

    /// Enters the session in the index, and begins the turn.
    async fn take_turn(&self, commit: &Commit, principal: &Principal) -> Result<(Index, Timestamp), Error> {
        loop {
            let now = self.clock.now(&self.jet).await.map_err(at(COMMIT))?;
            let turn = Turn { commit: commit.id, until: now.plus(TURN) };
            let index = self
                .change_index(COMMIT, principal, |index| {
                    let is_free = index.turn.is_none_or(|it| {
                        it.commit == commit.id || it.until.minus(TURN).plus(TURN_AND_CLOCKS) <= now
                    });
                    if is_free {
                        index.turn = Some(turn);
                        index.enter(commit.guard.handle, now);
                    }
                    is_free
                })
                .await?;
            if index.turn == Some(turn) {
                return Ok((index, turn.until));
            }
            let chance = getrandom::u32().unwrap_or_default();
            tokio::time::sleep(WAIT + WAIT.mul_f64(f64::from(chance) / f64::from(u32::MAX))).await;
        }
    }

    /// Lets the next one sign in, and returns the index. Where this fails, the turn is over by itself after a while.
    async fn yield_turn(&self, commit: &Commit, principal: &Principal) -> Result<Index, Error> {
        let yielded = self.change_index(COMMIT, principal, |index| {
            let is_ours = index.turn.is_some_and(|it| it.commit == commit.id);
            if is_ours {
                index.turn = None;
            }
            is_ours
        });
        let yielded = yielded.await;
        if let Err(error) = &yielded {
            tracing::debug!(%error, "the next sign-in of the same principal has to wait");
        }
        yielded
    }
}

/// Returns whether a sign-in has bound its session. (One that came too late leaves that to the one that came before.)
fn is_bound(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Committed(it) if it.ticket != TicketFate::AlreadySignedIn)
}
