use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    Handle, Label, Meta, Name, Principal, SessionInfo, StoredAttribute, Timestamp, Version,
};

use super::reply::{Malformed, Reply};
use super::{FORMAT, HEADER};

/// Reads what a record shows of a session; see `record.lua`.
pub(super) fn decode_meta(reply: &mut Reply, length: usize) -> Result<Meta, Malformed> {
    let rest = reply.left().checked_sub(length).ok_or(Malformed::Damaged)?;
    let (version, accessed_at) = (Version(reply.number()?), reply.time()?);
    let (attributes, bytes, created_at) = (reply.long()?, reply.number()?, reply.time()?);
    let max_inactive_interval = Duration::from_millis(reply.number()?);
    let (ends_at, ticket_issued_at, signed_in_at) = (reply.some_time()?, reply.time()?, reply.some_time()?);
    let principal = match reply.short()? {
        0 => None,
        length => Some(Principal::new(reply.text(length)?.to_owned()).map_err(|_| Malformed::Damaged)?),
    };
    let label = match reply.left().checked_sub(rest).ok_or(Malformed::Damaged)? {
        0 => None,
        length => Some(Label::new(reply.text(length)?.to_owned()).map_err(|_| Malformed::Damaged)?),
    };
    Ok(Meta {
        version,
        created_at,
        accessed_at,
        max_inactive_interval,
        ends_at,
        ticket_issued_at,
        principal,
        signed_in_at,
        label,
        attributes,
        bytes,
    })
}

/// Returns when a session ends unless it is accessed.
pub(super) fn expires_at(meta: &Meta) -> Timestamp {
    let inactive = meta.accessed_at.plus(meta.max_inactive_interval);
    meta.ends_at.map_or(inactive, |end| end.min(inactive))
}

/// Reads an attribute of a given length.
pub(super) fn decode_attribute(
    name: Name,
    reply: &mut Reply,
    length: usize,
) -> Result<StoredAttribute, Malformed> {
    let value = length.checked_sub(HEADER).ok_or(Malformed::Damaged)?;
    match reply.byte()? {
        FORMAT => {}
        _ => return Err(Malformed::Format),
    }
    let (revision, lapses_at) = (Version(reply.number()?), reply.some_time()?);
    Ok(StoredAttribute { name, value: reply.part(value)?, revision, lapses_at })
}

/// Reads the length of a name, and the name.
pub(super) fn decode_name(reply: &mut Reply) -> Result<Name, Malformed> {
    let length = reply.short()?;
    Name::new(reply.text(length)?.to_owned()).map_err(|_| Malformed::Damaged)
}

/// Returns whether an attribute is still there at a moment.
pub(super) fn is_there(attribute: &StoredAttribute, at: Timestamp) -> bool {
    attribute.lapses_at.is_none_or(|lapse| at < lapse)
}

/// A session that a principal's index names.
#[derive(Debug)]
pub(crate) enum Peeked {
    Live(SessionInfo),
    /// It is the principal's, and has expired.
    Expired,
    /// It is gone, or not the principal's.
    NotTheirs,
}

/// Reads what is shown of a session that a principal's index names; see `peek.lua`.
pub(crate) fn decode_peeked(handle: Handle, reply: Bytes) -> Result<Peeked, Malformed> {
    let mut reply = Reply::new(reply);
    if reply.is_empty() {
        return Ok(Peeked::NotTheirs);
    }
    match reply.byte()? {
        b'E' => {}
        b'O' => return Ok(Peeked::Expired),
        b'D' => return Err(Malformed::Damaged),
        _ => return Err(Malformed::Answer),
    }
    let length = reply.left();
    let meta = decode_meta(&mut reply, length)?;
    Ok(Peeked::Live(SessionInfo {
        handle,
        created_at: meta.created_at,
        accessed_at: meta.accessed_at,
        signed_in_at: meta.signed_in_at,
        label: meta.label,
    }))
}
