use std::collections::BTreeMap;

use bytes::Bytes;
use cloakroom_core::{Name, Timestamp, Version};

use super::fields::Fields;
use super::{Held, Salt, checksum, digest};

/// The bytes of a frame before its head.
pub(crate) const FRAME: u64 = 12;

const REMOVED: u8 = 0;
const HERE: u8 = 1;
const EARLIER: u8 = 2;

/// A value to be written.
#[derive(Clone, Debug)]
pub(crate) struct NewValue {
    pub(crate) value: Bytes,
    pub(crate) revision: Version,
    pub(crate) lapses_at: Option<Timestamp>,
}

/// What becomes of an attribute.
#[derive(Debug)]
pub(crate) enum Entry<'a> {
    Remove,
    Write(&'a NewValue),
    /// It is in this file already, and copied into the next one as it is: damage stays what it was.
    Copy(&'a [u8], Held),
    /// It stays where it is: only in a whole frame, which would forget it otherwise.
    Keep(Held),
}

/// Writes a frame that will begin at `at`. `None`: it is too large for one.
pub(crate) fn frame_bytes(
    at: u64,
    salt: Salt,
    is_whole: bool,
    record: &[u8],
    entries: &BTreeMap<Name, Entry<'_>>,
) -> Option<Vec<u8>> {
    let mut head = vec![u8::from(is_whole)];
    head.extend_from_slice(&u16::try_from(record.len()).ok()?.to_be_bytes());
    head.extend_from_slice(record);
    head.extend_from_slice(&u32::try_from(entries.len()).ok()?.to_be_bytes());
    let mut body: Vec<u8> = Vec::new();
    for (name, entry) in entries {
        head.extend_from_slice(&u16::try_from(name.as_str().len()).ok()?.to_be_bytes());
        head.extend_from_slice(name.as_str().as_bytes());
        match entry {
            Entry::Remove => head.push(REMOVED),
            Entry::Keep(held) => place(&mut head, EARLIER, held),
            Entry::Write(new) => {
                place(&mut head, HERE, &new.held(body.len() as u64, salt)?);
                body.extend_from_slice(&new.value);
            }
            Entry::Copy(bytes, held) => {
                place(&mut head, HERE, &Held { at: body.len() as u64, ..*held });
                body.extend_from_slice(bytes);
            }
        }
    }
    let mut frame = Vec::with_capacity(FRAME as usize + head.len() + body.len());
    frame.extend_from_slice(&u32::try_from(head.len()).ok()?.to_be_bytes());
    frame.extend_from_slice(&u32::try_from(body.len()).ok()?.to_be_bytes());
    frame.extend_from_slice(&head_checksum(at, salt, &frame, &head).to_be_bytes());
    frame.append(&mut head);
    frame.append(&mut body);
    Some(frame)
}

impl NewValue {
    fn held(&self, at: u64, salt: Salt) -> Option<Held> {
        let length = u32::try_from(self.value.len()).ok()?;
        let Self { revision, lapses_at, .. } = *self;
        Some(Held { at, length, checksum: checksum(salt, &self.value), revision, lapses_at })
    }
}

fn place(head: &mut Vec<u8>, kind: u8, held: &Held) {
    head.push(kind);
    head.extend_from_slice(&held.at.to_be_bytes());
    head.extend_from_slice(&held.length.to_be_bytes());
    head.extend_from_slice(&held.checksum.to_be_bytes());
    head.extend_from_slice(&held.revision.0.to_be_bytes());
    head.extend_from_slice(&held.lapses_at.map_or(0, Timestamp::as_millis).to_be_bytes());
}

fn head_checksum(at: u64, salt: Salt, lengths: &[u8], head: &[u8]) -> u32 {
    let mut digest = digest(salt);
    digest.update(&at.to_be_bytes());
    digest.update(lengths);
    digest.update(head);
    digest.finalize()
}

/// What stands before a frame's head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lengths {
    pub(crate) head: u32,
    pub(crate) body: u32,
    checksum: u32,
}

impl Lengths {
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        Some(Self { head: fields.medium()?, body: fields.medium()?, checksum: fields.medium()? })
    }

    /// Returns whether this head is the one that was written at `at`.
    pub(crate) fn is_of(&self, at: u64, salt: Salt, head: &[u8]) -> bool {
        let mut lengths = self.head.to_be_bytes().to_vec();
        lengths.extend_from_slice(&self.body.to_be_bytes());
        self.checksum == head_checksum(at, salt, &lengths, head)
    }
}

/// Where a frame is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) at: u64,
    pub(crate) body: u64,
    pub(crate) end: u64,
}

impl Frame {
    pub(crate) fn new(at: u64, lengths: Lengths) -> Self {
        let body = at + FRAME + u64::from(lengths.head);
        Self { at, body, end: body + u64::from(lengths.body) }
    }
}

/// A frame's head.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) is_whole: bool,
    pub(crate) record: Vec<u8>,
    /// `None`: removed.
    pub(crate) entries: Vec<(Name, Option<Held>)>,
}

impl Head {
    /// Reads what [`frame_bytes`] wrote; `None` if it is anything else.
    pub(crate) fn decode(bytes: &[u8], frame: Frame) -> Option<Self> {
        let mut fields = Fields(bytes);
        let is_whole = fields.byte()? != 0;
        let length = fields.small()?;
        let record = fields.bytes(length)?.to_vec();
        let count = fields.medium()?;
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(entry(&mut fields, frame)?);
        }
        fields.0.is_empty().then_some(Self { is_whole, record, entries })
    }
}

fn entry(fields: &mut Fields<'_>, frame: Frame) -> Option<(Name, Option<Held>)> {
    let length = fields.small()?;
    let name = std::str::from_utf8(fields.bytes(length)?).ok()?;
    let name = Name::new(name.to_owned()).ok()?;
    let kind = fields.byte()?;
    if kind == REMOVED {
        return Some((name, None));
    }
    let mut held = Held {
        at: fields.number()?,
        length: fields.medium()?,
        checksum: fields.medium()?,
        revision: Version(fields.number()?),
        lapses_at: Some(fields.number()?).filter(|it| *it != 0).map(Timestamp::from_millis),
    };
    let limit = match kind {
        HERE => {
            held.at = held.at.checked_add(frame.body)?;
            frame.end
        }
        EARLIER => frame.at,
        _ => return None,
    };
    let end = held.at.checked_add(u64::from(held.length))?;
    (end <= limit).then_some((name, Some(held)))
}
