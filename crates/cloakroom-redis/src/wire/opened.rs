use bytes::Bytes;
use cloakroom_core::{
    Loaded, Meta, Name, Opened, Seed, Select, Standing, StoredAttribute, Timestamp, Wanted,
};

use super::meta::{decode_attribute, decode_meta, decode_name, is_there};
use super::reply::{Malformed, Reply};

/// Reads the answer to a load of `select`; see `load.lua`.
pub(crate) fn decode_loaded(reply: Bytes, select: &Select, wants_all: bool) -> Result<Loaded, Malformed> {
    let mut reply = Reply::new(reply);
    match reply.byte()? {
        b'A' => return Ok(Loaded::Absent),
        b'S' => return Ok(Loaded::Superseded),
        b'F' => return Err(Malformed::Format),
        b'D' => return Err(Malformed::Damaged),
        list => reply.begin_list(list)?,
    }
    let (now, standing, meta) = session(&mut reply)?;
    let (attributes, names) = if wants_all {
        everything(&mut reply, select, now)?
    } else {
        (named(&mut reply, &select.values, now)?, names(&mut reply, select.names)?)
    };
    Ok(Loaded::Open(Box::new(Opened { standing, now, meta, attributes, names })))
}

fn session(reply: &mut Reply) -> Result<(Timestamp, Standing, Meta), Malformed> {
    let length = reply.string()?.ok_or(Malformed::Answer)?;
    let after = reply.left().checked_sub(length).ok_or(Malformed::Answer)?;
    if reply.byte()? != b'O' {
        return Err(Malformed::Answer);
    }
    let now = reply.time()?;
    let standing = match reply.byte()? {
        0 => Standing::Current,
        1 => Standing::Previous(None),
        2 => Standing::Previous(Some(Seed::from_bytes(reply.array()?))),
        _ => return Err(Malformed::Damaged),
    };
    let length = reply.left().checked_sub(after).ok_or(Malformed::Damaged)?;
    Ok((now, standing, decode_meta(reply, length)?))
}

fn named(reply: &mut Reply, wanted: &Wanted, now: Timestamp) -> Result<Vec<StoredAttribute>, Malformed> {
    let Wanted::Named(wanted) = wanted else {
        return Ok(Vec::new());
    };
    let mut found = Vec::with_capacity(wanted.len());
    for name in wanted.iter() {
        let Some(length) = reply.string()? else { continue };
        let attribute = decode_attribute(name.clone(), reply, length)?;
        if is_there(&attribute, now) {
            found.push(attribute);
        }
    }
    Ok(found)
}

fn names(reply: &mut Reply, are_wanted: bool) -> Result<Option<Vec<Name>>, Malformed> {
    if !are_wanted {
        return Ok(None);
    }
    let mut names = Vec::new();
    while !reply.is_empty() {
        names.push(decode_name(reply)?);
    }
    names.sort_unstable();
    Ok(Some(names))
}

type Attributes = (Vec<StoredAttribute>, Option<Vec<Name>>);

fn everything(reply: &mut Reply, select: &Select, now: Timestamp) -> Result<Attributes, Malformed> {
    let mut found = all(reply)?;
    found.retain(|attribute| is_there(attribute, now));
    let names = select.names.then(|| {
        let mut names: Vec<_> = found.iter().map(|attribute| attribute.name.clone()).collect();
        names.sort_unstable();
        names
    });
    if let Wanted::Named(_) | Wanted::Nothing = select.values {
        found.retain(|attribute| select.values.includes(attribute.name.as_str()));
    }
    Ok((found, names))
}

/// Reads attributes, each with its name, to the end of the reply.
pub(super) fn all(reply: &mut Reply) -> Result<Vec<StoredAttribute>, Malformed> {
    let mut found = Vec::new();
    while !reply.is_empty() {
        let name = decode_name(reply)?;
        let length = reply.long()? as usize;
        found.push(decode_attribute(name, reply, length)?);
    }
    Ok(found)
}
