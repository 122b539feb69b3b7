use bytes::Bytes;
use cloakroom_core::{
    AttributeChange, Commit, Committed, Conflict, Edit, EndReason, Expect, Gone, Intent, Limit, Limits, Name,
    Outcome, OverLimit, Seed, TicketChange, TicketFate,
};

use super::answer::Fields;
use super::argument::Argument;
use super::damaged::Damaged;
use super::ended::ended_each;
use super::terms::{millis, terms};

/// Returns what the function is called with.
pub(super) fn arguments(commit: &Commit) -> [Argument<'_>; 11] {
    let [names, contents, ttls, expects] = attributes(&commit.changes.attributes);
    let Limits { attribute_bytes, session_bytes, attributes } = commit.limits;
    [
        Argument::Handle(Some(commit.guard.handle)),
        Argument::Bytes(commit.guard.proof.as_bytes()),
        Argument::Bytes(commit.id.as_bytes()),
        names,
        contents,
        ttls,
        expects,
        Argument::Number(Some(saturated(attribute_bytes))),
        Argument::Number(Some(saturated(session_bytes))),
        Argument::Number(Some(attributes.into())),
        terms(commit),
    ]
}

/// Returns four lists, or NULL for one that would hold nothing else.
fn attributes(changes: &[AttributeChange]) -> [Argument<'_>; 4] {
    let names = changes.iter().map(|change| change.name.as_str()).collect();
    let contents = changes.iter().map(|change| content(&change.edit)).collect();
    [
        Argument::Names((!changes.is_empty()).then_some(names)),
        Argument::Contents((!changes.is_empty()).then_some(contents)),
        numbers(changes, |change| match &change.edit {
            Edit::Set { ttl, .. } => ttl.map(millis),
            Edit::Remove => None,
        }),
        numbers(changes, |change| match change.expect? {
            Expect::Absent => Some(-1),
            Expect::Revision(version) => Some(saturated(version.0)),
        }),
    ]
}

fn content(edit: &Edit) -> Option<&[u8]> {
    match edit {
        Edit::Set { value, .. } => Some(value),
        Edit::Remove => None,
    }
}

fn numbers<'a>(
    changes: &[AttributeChange],
    number: impl Fn(&AttributeChange) -> Option<i64>,
) -> Argument<'a> {
    let has_any = changes.iter().any(|change| number(change).is_some());
    Argument::Numbers(has_any.then(|| changes.iter().map(number).collect()))
}

fn saturated(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads the function's answer.
pub(super) fn outcome(answer: Bytes, commit: &Commit) -> Result<Outcome, Damaged> {
    let mut fields = Fields::new(answer);
    let Limits { attribute_bytes, session_bytes, attributes } = commit.limits;
    Ok(match fields.byte("outcome")? {
        0 => Outcome::Committed(committed(&mut fields)?),
        1 => Outcome::Gone(Gone::Absent),
        2 => Outcome::Gone(Gone::Superseded),
        3 => Outcome::Conflict(Conflict::Attribute(name(&mut fields, commit)?)),
        4 => Outcome::Conflict(Conflict::Principal),
        5 => Outcome::Taken,
        6 => over(Limit::AttributeBytes(name(&mut fields, commit)?), attribute_bytes),
        7 => over(Limit::Attributes, attributes.into()),
        8 => over(Limit::SessionBytes, session_bytes),
        9 => over(Limit::SessionsOfPrincipal, max_sessions(commit)),
        _ => return Err(Damaged("outcome")),
    })
}

fn committed(fields: &mut Fields) -> Result<Committed, Damaged> {
    let (version, now) = (fields.version("version")?, fields.time("now")?);
    let ticket = match fields.byte("recent")? {
        0 => TicketFate::Kept,
        1 => TicketFate::Changed,
        2 => TicketFate::AlreadyRenewed(None),
        3 => TicketFate::AlreadySignedIn,
        4 => TicketFate::AlreadyRenewed(Some(Seed::from_bytes(fields.array("seed")?))),
        _ => return Err(Damaged("recent")),
    };
    let ended = ended_each(fields, EndReason::Invalidated)?;
    Ok(Committed { version, now, ticket, ended })
}

/// Reads which attribute is meant: its place in the commit, from 1 on.
fn name(fields: &mut Fields, commit: &Commit) -> Result<Name, Damaged> {
    let place = fields.length("place")?;
    let change = place.checked_sub(1).and_then(|index| commit.changes.attributes.get(index));
    change.map(|change| change.name.clone()).ok_or(Damaged("place"))
}

fn over(limit: Limit, max: u64) -> Outcome {
    Outcome::OverLimit(OverLimit { limit, max })
}

fn max_sessions(commit: &Commit) -> u64 {
    let bind = match (&commit.intent, &commit.changes.ticket) {
        (Intent::Create(creation), _) => creation.bind.as_ref(),
        (_, Some(TicketChange::SignIn { bind, .. })) => Some(bind),
        _ => None,
    };
    bind.and_then(|bind| bind.max_sessions).map_or(0, |max| max.count.into())
}
