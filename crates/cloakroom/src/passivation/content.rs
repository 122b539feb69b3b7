//! What goes to disk, as bytes.
//!
//! A *content* is a session's recent commits and attributes. A *record*, which only a stop in good order writes, is all else:
//! what decides about the session, and the names of its attributes. All numbers are big-endian; times are milliseconds.
//!
//! | content | |
//! |---|---|
//! | 1 | format: 1 |
//! | 2 + n | recent commits |
//! | 2 + n, 8, 8, 4 + n, each | an attribute: name, revision, when it lapses or 0, value |
//!
//! | record | |
//! |---|---|
//! | 1 | format: 1 |
//! | 16 | handle |
//! | 2 + n | [`Record::to_bytes`] |
//! | 2 + n, 8, each | the name of an attribute, when it lapses or 0 |

use bytes::{BufMut as _, Bytes};
use cloakroom_core::{Handle, Name, RecentCommits, Record, StoredAttribute, Timestamp, Version};

use crate::memory::{Content, Leaving};

const FORMAT: u8 = 1;

pub(super) fn content_to_bytes(content: &Content) -> Bytes {
    let mut out = vec![FORMAT];
    short(&content.recent.to_bytes(), &mut out);
    for attribute in &content.attributes {
        short(attribute.name.as_str().as_bytes(), &mut out);
        out.put_u64(attribute.revision.0);
        out.put_u64(lapse(attribute.lapses_at));
        out.put_u32(u32::try_from(attribute.value.len()).unwrap_or(u32::MAX));
        out.extend_from_slice(&attribute.value);
    }
    out.into()
}

/// Reads what [`content_to_bytes`] wrote; `None` if it is anything else.
pub(super) fn content_from_bytes(bytes: &[u8]) -> Option<Content> {
    let mut fields = Fields::of(bytes)?;
    let recent = RecentCommits::from_bytes(fields.short()?)?;
    let mut attributes = Vec::new();
    while !fields.0.is_empty() {
        let (name, revision, lapses_at) = (fields.name()?, Version(fields.number()?), fields.lapse()?);
        let length = u32::from_be_bytes(fields.array()?);
        let value = Bytes::copy_from_slice(fields.take(usize::try_from(length).ok()?)?);
        attributes.push(StoredAttribute { name, value, revision, lapses_at });
    }
    Some(Content { recent, attributes })
}

pub(super) fn record_to_bytes(left: &Leaving) -> Bytes {
    let mut out = vec![FORMAT];
    out.extend_from_slice(left.handle.as_bytes());
    short(&left.record.to_bytes(), &mut out);
    for (name, lapses_at) in &left.names {
        short(name.as_str().as_bytes(), &mut out);
        out.put_u64(lapse(*lapses_at));
    }
    out.into()
}

/// Reads what [`record_to_bytes`] wrote; `None` if it is anything else.
pub(super) fn record_from_bytes(bytes: &[u8]) -> Option<Leaving> {
    let mut fields = Fields::of(bytes)?;
    let handle = Handle::from_bytes(fields.array()?);
    let record = Record::from_bytes(fields.short()?).ok()?;
    let mut names = Vec::new();
    while !fields.0.is_empty() {
        names.push((fields.name()?, fields.lapse()?));
    }
    Some(Leaving { handle, record, names: names.into() })
}

/// Records, names and lists of recent commits are far shorter than 64 KiB.
fn short(bytes: &[u8], out: &mut Vec<u8>) {
    out.put_u16(u16::try_from(bytes.len()).unwrap_or(u16::MAX));
    out.extend_from_slice(bytes);
}

fn lapse(at: Option<Timestamp>) -> u64 {
    at.map_or(0, Timestamp::as_millis)
}

/// What is still to be read.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        match bytes {
            [FORMAT, rest @ ..] => Some(Self(rest)),
            _ => None,
        }
    }

    fn name(&mut self) -> Option<Name> {
        let text = std::str::from_utf8(self.short()?).ok()?;
        Name::new(text.to_owned()).ok()
    }

    fn lapse(&mut self) -> Option<Option<Timestamp>> {
        let millis = self.number()?;
        Some((millis > 0).then(|| Timestamp::from_millis(millis)))
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn short(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(self.array()?);
        self.take(usize::from(length))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests;
