use bytes::Bytes;
use cloakroom_core::{
    Commit, Committed, Conflict, Gone, Limit, Name, Outcome, OverLimit, Seed, TicketFate, Version,
};

use super::reply::{Malformed, Reply};

/// What a commit's script says.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The outcome.
    Outcome(Outcome),
    /// Nothing was done, as only the question was asked, and nothing speaks against it.
    WouldCommit,
    /// Nothing was done, because the place that was kept for a sign-in is no longer.
    PlaceLost,
}

/// Reads the answer to a commit; see `change.lua` and `create.lua`.
pub(crate) fn decode_answer(reply: Bytes, commit: &Commit) -> Result<Answer, Malformed> {
    let mut reply = Reply::new(reply);
    Ok(Answer::Outcome(match reply.byte()? {
        b'C' => Outcome::Committed(committed(&mut reply)?),
        b'A' => Outcome::Gone(Gone::Absent),
        b'S' => Outcome::Gone(Gone::Superseded),
        b'P' => Outcome::Conflict(Conflict::Principal),
        b'X' => Outcome::Conflict(Conflict::Attribute(nth_name(&mut reply, commit)?)),
        b'T' => Outcome::Taken,
        b'L' => Outcome::OverLimit(over_limit(&mut reply, commit)?),
        b'Q' => return Ok(Answer::WouldCommit),
        b'R' => return Ok(Answer::PlaceLost),
        b'F' => return Err(Malformed::Format),
        b'D' => return Err(Malformed::Damaged),
        _ => return Err(Malformed::Answer),
    }))
}

fn committed(reply: &mut Reply) -> Result<Committed, Malformed> {
    let (version, now) = (Version(reply.number()?), reply.time()?);
    let ticket = match reply.byte()? {
        0 => TicketFate::Kept,
        1 => TicketFate::Changed,
        2 if reply.is_empty() => TicketFate::AlreadyRenewed(None),
        2 => TicketFate::AlreadyRenewed(Some(Seed::from_bytes(reply.array()?))),
        3 => TicketFate::AlreadySignedIn,
        _ => return Err(Malformed::Damaged),
    };
    Ok(Committed { version, now, ticket, ended: Vec::new() })
}

fn nth_name(reply: &mut Reply, commit: &Commit) -> Result<Name, Malformed> {
    let change = commit.changes.attributes.get(reply.long()? as usize);
    change.map(|change| change.name.clone()).ok_or(Malformed::Answer)
}

fn over_limit(reply: &mut Reply, commit: &Commit) -> Result<OverLimit, Malformed> {
    let limits = &commit.limits;
    let (limit, max) = match reply.byte()? {
        1 => (Limit::AttributeBytes(nth_name(reply, commit)?), limits.attribute_bytes),
        2 => (Limit::Attributes, limits.attributes.into()),
        3 => (Limit::SessionBytes, limits.session_bytes),
        _ => return Err(Malformed::Answer),
    };
    Ok(OverLimit { limit, max })
}
