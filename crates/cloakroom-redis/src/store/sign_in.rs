use std::time::Duration;

use cloakroom_core::{
    Bind, Commit, Ended, Error, ErrorKind, Handle, MaxSessions, Outcome, Principal, SessionInfo,
};
use futures_util::future::join;
use redis::Value;

use super::RedisStore;
use super::commit::COMMIT;
use super::end::Chosen;
use super::principal::{Entry, decode_entries};
use crate::wire::{Answer, Around, Malformed, bytes};

/// For how many microseconds a place in a principal's index is kept for a session that is on another server.
const PLACE: u64 = 10_000_000;

/// How long a sign-in to one of a limited number of sessions may take, and how long the next waits for one that was not
/// finished. The difference is how much the clocks of two servers may differ.
const TURN: Duration = Duration::from_secs(3);
const TURN_AND_CLOCKS: Duration = Duration::from_secs(5);

/// How long to wait, and twice that at most, before asking again whether it is one's turn.
const WAIT: Duration = Duration::from_millis(5);

/// How often a sign-in is begun anew because it took too long.
const ATTEMPTS: usize = 5;

/// The turn of one sign-in among those of the same principal.
struct Turn {
    until: u64,
    entries: Vec<Entry>,
}

impl RedisStore {
    pub(super) async fn sign_in(&self, commit: &Commit, bind: &Bind) -> Result<Outcome, Error> {
        let mut ended = Vec::new();
        for _ in 0..ATTEMPTS {
            let answer = match bind.max_sessions {
                None => self.bind(commit, &bind.principal, 0).await?,
                Some(max) => self.bind_within(commit, &bind.principal, max, &mut ended).await?,
            };
            match answer {
                Answer::Outcome(Outcome::Committed(mut committed)) => {
                    committed.ended = ended;
                    return Ok(Outcome::Committed(committed));
                }
                Answer::Outcome(outcome) => return Ok(outcome),
                Answer::WouldCommit | Answer::PlaceLost => {}
            }
        }
        Err(Error::of(ErrorKind::Timeout, COMMIT))
    }

    /// Applies a commit that binds a principal, after the session was entered among theirs: in the same step where both are
    /// on one server, or else before it, so that the index has every session that is bound.
    async fn bind(&self, commit: &Commit, principal: &Principal, until: u64) -> Result<Answer, Error> {
        let key = self.keys.principal(principal);
        if self.client.is_one_server() {
            let around = Around { is_question: false, place_until: until };
            return self.apply(commit, around, Some(&key)).await;
        }
        let script = &self.scripts.reserve;
        let mut call = script.call(1, 2, 128);
        call.arg(&key).arg(commit.guard.handle.to_string()).arg(PLACE);
        let kept_until = microseconds(self.run(COMMIT, script, &call, self.commits_wait).await?)?;
        let place_until = if until == 0 { kept_until } else { until.min(kept_until) };
        self.apply(commit, Around { is_question: false, place_until }, None).await
    }

    /// The same where the principal may have so many sessions: makes room before the session is bound. Sign-ins of one
    /// principal take turns, so that there are never more sessions than allowed.
    async fn bind_within(
        &self,
        commit: &Commit,
        principal: &Principal,
        max: MaxSessions,
        ended: &mut Vec<Ended>,
    ) -> Result<Answer, Error> {
        let turn = self.take_turn(commit, principal).await?;
        let answer = self.bind_in_turn(commit, principal, max, &turn, ended).await;
        self.yield_turn(commit, principal).await;
        answer
    }

    async fn bind_in_turn(
        &self,
        commit: &Commit,
        principal: &Principal,
        max: MaxSessions,
        turn: &Turn,
        ended: &mut Vec<Ended>,
    ) -> Result<Answer, Error> {
        // What would be refused must not end anything.
        let question = Around { is_question: true, place_until: turn.until };
        let (answer, live) =
            join(self.apply(commit, question, None), self.live_among(COMMIT, principal, &turn.entries)).await;
        let answer = answer?;
        if !matches!(answer, Answer::WouldCommit) {
            return Ok(answer);
        }
        match max.make_room(others(live?, commit.guard.handle)) {
            Ok(oldest) => ended.extend(self.end_chosen(Chosen::Owned(principal), &oldest).await?),
            Err(over) => return Ok(Answer::Outcome(Outcome::OverLimit(over))),
        }
        self.bind(commit, principal, turn.until).await
    }

    async fn take_turn(&self, commit: &Commit, principal: &Principal) -> Result<Turn, Error> {
        let script = &self.scripts.turn;
        let mut call = script.call(2, 3, 192);
        call.arg(self.keys.turn(principal)).arg(self.keys.principal(principal));
        call.arg(&commit.id.as_bytes()[..]);
        call.arg(millis(TURN)).arg(millis(TURN_AND_CLOCKS));
        loop {
            let Value::Array(values) = self.run(COMMIT, script, &call, None).await? else {
                return Err(Malformed::Answer.during(COMMIT));
            };
            let mut values = values.into_iter();
            if let Some(until) = values.next() {
                let entries = decode_entries(values).map_err(|malformed| malformed.during(COMMIT))?;
                return Ok(Turn { until: microseconds(until)?, entries });
            }
            let chance = getrandom::u32().unwrap_or_default();
            tokio::time::sleep(WAIT + WAIT.mul_f64(f64::from(chance) / f64::from(u32::MAX))).await;
        }
    }

    /// Lets the next one sign in. Where this fails, the turn is over by itself after a while.
    async fn yield_turn(&self, commit: &Commit, principal: &Principal) {
        let script = &self.scripts.yield_turn;
        let mut call = script.call(1, 1, 128);
        call.arg(self.keys.turn(principal)).arg(&commit.id.as_bytes()[..]);
        if let Err(error) = self.run(COMMIT, script, &call, None).await {
            tracing::debug!(%error, "the next sign-in of the same principal has to wait");
        }
    }
}

/// Returns the sessions beside the one that signs in, as the rule for them wants to see them.
fn others(live: Vec<SessionInfo>, signs_in: Handle) -> Vec<(cloakroom_core::Timestamp, Handle)> {
    let others = live.into_iter().filter(|info| info.handle != signs_in);
    others.map(|info| (info.signed_in_at.unwrap_or_default(), info.handle)).collect()
}

fn microseconds(value: Value) -> Result<u64, Error> {
    let bytes = bytes(value).map_err(|malformed| malformed.during(COMMIT))?;
    let bytes = bytes[..].try_into().map_err(|_| Malformed::Answer.during(COMMIT))?;
    Ok(u64::from_be_bytes(bytes))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
