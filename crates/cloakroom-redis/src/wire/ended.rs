use bytes::Bytes;
use cloakroom_core::{EndReason, Ended, Handle, Meta};

use super::meta::{decode_meta, decode_name, expires_at, is_there};
use super::opened::all;
use super::reply::{Malformed, Reply};

/// Reads what is told of a session at its end; see `ended.lua`. `reason` is that of an invalidation, and `None` where the
/// session has expired.
pub(crate) fn decode_ended(
    handle: Handle,
    reply: Bytes,
    reason: Option<EndReason>,
) -> Result<Ended, Malformed> {
    let mut reply = Reply::new(reply);
    match reply.byte()? {
        b'E' => {}
        b'F' => return Err(Malformed::Format),
        b'D' => return Err(Malformed::Damaged),
        _ => return Err(Malformed::Answer),
    }
    let length = reply.short()?;
    let meta = decode_meta(&mut reply, length)?;
    let count = reply.long()?;
    let mut names = (0..count).map(|_| decode_name(&mut reply)).collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    let mut attributes = all(&mut reply)?;
    attributes.retain(|attribute| is_there(attribute, expires_at(&meta)));
    Ok(Ended {
        handle,
        reason: reason.unwrap_or_else(|| expiry(&meta)),
        principal: meta.principal,
        names,
        attributes,
        created_at: meta.created_at,
        accessed_at: meta.accessed_at,
    })
}

fn expiry(meta: &Meta) -> EndReason {
    if meta.ends_at == Some(expires_at(meta)) { EndReason::MaxLifetime } else { EndReason::Inactive }
}
