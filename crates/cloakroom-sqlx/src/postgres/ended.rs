use bytes::Bytes;
use cloakroom_core::{EndReason, Ended, Handle, Invalidated, Name, SessionInfo, Timestamp};

use super::answer::Fields;
use super::damaged::Damaged;
use super::load::{label, principal};

/// Reads the answer of a function that ends sessions.
pub(super) fn invalidated(answer: Bytes) -> Result<Invalidated, Damaged> {
    let mut fields = Fields::new(answer);
    if fields.is_over() {
        return Ok(Invalidated::Done(Vec::new()));
    }
    match fields.byte("ended")? {
        0 => ended_each(&mut fields, EndReason::Invalidated).map(Invalidated::Done),
        _ => Ok(Invalidated::Superseded),
    }
}

/// Reads sessions that have ended, each after its length.
pub(super) fn ended_each(fields: &mut Fields, reason: EndReason) -> Result<Vec<Ended>, Damaged> {
    let mut ended = Vec::new();
    while !fields.is_over() {
        let length = fields.length("ended")?;
        let one = ended_one(fields.take(length, "ended")?, &[]);
        ended.extend(readable(one).map(|one| Ended { reason, ..one }));
    }
    Ok(ended)
}

/// Reads a session that has ended.
pub(super) fn ended_one(bytes: Bytes, known: &[Name]) -> Result<Ended, Damaged> {
    let mut fields = Fields::new(bytes);
    let handle = Handle::from_bytes(fields.array("handle")?);
    let reason = match fields.small("reason")? {
        0 => EndReason::Inactive,
        1 => EndReason::MaxLifetime,
        _ => EndReason::Invalidated,
    };
    let (created_at, accessed_at) = (fields.time("created_at")?, fields.time("accessed_at")?);
    let principal = some(fields.text("principal")?).map(principal).transpose()?;
    let names = fields.names()?;
    let attributes = fields.attributes(known)?;
    Ok(Ended { handle, principal, names, attributes, reason, created_at, accessed_at })
}

/// Reads a list of sessions, each after its length.
pub(super) fn infos(answer: Bytes) -> Result<Vec<SessionInfo>, Damaged> {
    let mut fields = Fields::new(answer);
    let mut sessions = Vec::new();
    while !fields.is_over() {
        let length = fields.length("session")?;
        sessions.extend(readable(info(fields.take(length, "session")?)));
    }
    Ok(sessions)
}

fn info(bytes: Bytes) -> Result<SessionInfo, Damaged> {
    let mut fields = Fields::new(bytes);
    Ok(SessionInfo {
        handle: Handle::from_bytes(fields.array("handle")?),
        created_at: fields.time("created_at")?,
        accessed_at: fields.time("accessed_at")?,
        signed_in_at: fields.optional("signed_in_at")?.map(Timestamp::from_millis),
        label: some(fields.text("label")?).map(label).transpose()?,
    })
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Returns what was read of one session among many. One that cannot be read must not harm the others: it is logged.
pub(super) fn readable<T>(session: Result<T, Damaged>) -> Option<T> {
    session
        .inspect_err(|error| tracing::error!(%error, "a stored session cannot be read, and is left out"))
        .ok()
}
