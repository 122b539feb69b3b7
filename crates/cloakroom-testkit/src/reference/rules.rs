use std::collections::HashMap;

use cloakroom_core::{
    Admission, Bind, Commit, Committed, Creation, EndReason, Ended, Gone, Guard, Handle, Invalidate,
    Invalidated, Load, Loaded, Opened, Outcome, OverLimit, Principal, Record, SessionInfo, Sweep,
    TicketChange, TicketFate, Timestamp, Verdict, Version,
};

use super::kept::Kept;

pub(super) type Sessions = HashMap<Handle, Kept>;

pub(super) fn load(sessions: &mut Sessions, load: &Load, now: Timestamp) -> Loaded {
    let Some(kept) = sessions.get_mut(&load.guard.handle) else {
        return Loaded::Absent;
    };
    let admission = kept.record.admit(&load.guard.proof, now);
    let standing = match admission.standing() {
        Ok(standing) => standing,
        Err(answer) => return answer,
    };
    let meta = kept.record.meta();
    kept.record.access(admission, now, load.touch);
    Loaded::Open(Box::new(Opened {
        standing,
        now,
        meta,
        attributes: kept.selected(&load.select.values, now),
        names: load.select.names.then(|| kept.names(now)),
    }))
}

pub(super) fn create(
    sessions: &mut Sessions,
    commit: &Commit,
    creation: &Creation,
    now: Timestamp,
) -> Outcome {
    let handle = commit.guard.handle;
    if let Some(kept) = sessions.get(&handle) {
        return match kept.record.repeated(commit) {
            Some((version, ticket)) => answer(version, ticket, now, Vec::new()),
            None => Outcome::Taken,
        };
    }
    let record = match Record::create(commit, creation, now) {
        Ok(record) => record,
        Err(over) => return Outcome::OverLimit(over),
    };
    let ended = match make_room(sessions, creation.bind.as_ref(), now) {
        Ok(ended) => ended,
        Err(over) => return Outcome::OverLimit(over),
    };
    let version = record.version;
    let mut kept = Kept::new(record);
    kept.write(commit, now);
    sessions.insert(handle, kept);
    answer(version, TicketFate::Kept, now, ended)
}

pub(super) fn change(sessions: &mut Sessions, commit: &Commit, now: Timestamp) -> Outcome {
    let handle = commit.guard.handle;
    if sessions.get(&handle).is_some_and(|kept| kept.is_closed) {
        return Outcome::Gone(Gone::Absent);
    }
    let Some(mut kept) = sessions.remove(&handle) else {
        return Outcome::Gone(Gone::Absent);
    };
    let outcome = change_kept(&mut kept, sessions, commit, now);
    sessions.insert(handle, kept);
    outcome
}

fn change_kept(kept: &mut Kept, others: &mut Sessions, commit: &Commit, now: Timestamp) -> Outcome {
    kept.drop_lapsed(now);
    let mut record = kept.record.clone();
    let committed = match record.apply(commit, now, |name| kept.size(name)) {
        Verdict::Apply(committed) => committed,
        Verdict::Answer(outcome) => return outcome,
    };
    let bind = match &commit.changes.ticket {
        Some(TicketChange::SignIn { bind, .. }) if committed.ticket == TicketFate::Changed => Some(bind),
        _ => None,
    };
    let ended = match make_room(others, bind, now) {
        Ok(ended) => ended,
        Err(over) => return Outcome::OverLimit(over),
    };
    kept.record = record;
    kept.write(commit, now);
    answer(committed.version, committed.ticket, now, ended)
}

fn answer(version: Version, ticket: TicketFate, now: Timestamp, ended: Vec<Ended>) -> Outcome {
    Outcome::Committed(Committed { version, now, ticket, ended })
}

/// Ends as many of the principal's `sessions` as must end for one more, which is not among them.
fn make_room(sessions: &mut Sessions, bind: Option<&Bind>, now: Timestamp) -> Result<Vec<Ended>, OverLimit> {
    let Some((bind, max)) = bind.and_then(|bind| Some((bind, bind.max_sessions?))) else {
        return Ok(Vec::new());
    };
    let others = live_sessions_of(sessions, &bind.principal, now);
    Ok(remove(sessions, max.make_room(others)?, now))
}

pub(super) fn invalidate(sessions: &mut Sessions, invalidate: &Invalidate, now: Timestamp) -> Invalidated {
    let handles = match invalidate {
        Invalidate::Ticket(guard) => match admission(sessions, guard, now) {
            Admission::Current | Admission::Previous(_) => vec![guard.handle],
            Admission::Superseded => return Invalidated::Superseded,
            Admission::Refused => Vec::new(),
        },
        Invalidate::Handle { handle, owner } => {
            let is_theirs = |kept: &&Kept| owner.is_none() || kept.record.principal == *owner;
            sessions.get(handle).filter(is_theirs).map(|_| *handle).into_iter().collect()
        }
        Invalidate::Principal { principal, except } => {
            let theirs =
                sessions.iter().filter(|(_, kept)| kept.record.principal.as_ref() == Some(principal));
            theirs.map(|(handle, _)| *handle).filter(|handle| Some(*handle) != *except).collect()
        }
        Invalidate::Everyone => {
            sessions.clear();
            Vec::new()
        }
    };
    Invalidated::Done(end(sessions, handles, now))
}

fn admission(sessions: &Sessions, guard: &Guard, now: Timestamp) -> Admission {
    let kept = sessions.get(&guard.handle);
    kept.map_or(Admission::Refused, |kept| kept.record.admit_to_end(&guard.proof, now))
}

/// Ends live sessions, and closes those that have expired, which a sweep still hands out.
fn end(sessions: &mut Sessions, handles: Vec<Handle>, now: Timestamp) -> Vec<Ended> {
    let is_live = |handle: &Handle| sessions.get(handle).is_some_and(|kept| kept.record.is_live(now));
    let (live, expired): (Vec<_>, Vec<_>) = handles.into_iter().partition(is_live);
    for handle in expired {
        if let Some(kept) = sessions.get_mut(&handle) {
            kept.is_closed = true;
        }
    }
    remove(sessions, live, now)
}

fn remove(sessions: &mut Sessions, handles: Vec<Handle>, now: Timestamp) -> Vec<Ended> {
    let ended = handles.into_iter().filter_map(|handle| {
        let kept = sessions.remove(&handle)?;
        Some(kept.ended(handle, EndReason::Invalidated, now))
    });
    ended.collect()
}

pub(super) fn sessions_of(sessions: &Sessions, principal: &Principal, now: Timestamp) -> Vec<SessionInfo> {
    let mut found = live_sessions_of(sessions, principal, now);
    found.sort_unstable();
    found.iter().map(|(_, handle)| sessions[handle].info(*handle)).collect()
}

fn live_sessions_of(sessions: &Sessions, principal: &Principal, now: Timestamp) -> Vec<(Timestamp, Handle)> {
    let theirs = sessions
        .iter()
        .filter(|(_, kept)| kept.record.is_live(now) && kept.record.principal.as_ref() == Some(principal));
    theirs.map(|(handle, kept)| (kept.record.signed_in_at.unwrap_or_default(), *handle)).collect()
}

pub(super) fn sweep(sessions: &mut Sessions, sweep: &Sweep, now: Timestamp) -> Vec<Ended> {
    let due = |kept: &Kept| !kept.record.is_live(now) && kept.claimed_until <= now;
    let due = sessions.iter_mut().filter(|(_, kept)| due(kept)).take(sweep.limit as usize);
    let mut handed_out = Vec::new();
    for (handle, kept) in due {
        let mut ended = kept.ended(*handle, kept.record.end_reason(), now);
        ended.attributes = kept.selected(&sweep.select.values, kept.record.expires_at());
        kept.claimed_until = now.plus(sweep.lease.unwrap_or_default());
        kept.is_closed = true;
        handed_out.push(ended);
    }
    if sweep.lease.is_none() {
        for ended in &handed_out {
            sessions.remove(&ended.handle);
        }
    }
    handed_out
}
