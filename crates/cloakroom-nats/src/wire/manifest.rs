use bytes::Bytes;
use cloakroom_core::{CommitId, Name, Record, Size, Timestamp, Version};

use super::reader::Reader;
use super::writer::{long, number, short_part, time};
use super::{Damaged, FORMAT};

const LEASED: u8 = 1;

const LAPSES: u8 = 1;
const INLINE: u8 = 1 << 1;

/// What the last message of a session's subject says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// The session.
    Session(Box<Manifest>),
    /// It has ended, and no message that was on its way brings it back.
    Ended,
}

/// A session: its metadata, small values, and where the others are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The sequence of the session's first message; 0 in that message itself.
    pub(crate) born: u64,
    /// Until when a sweep has handed it out; a moment long ago where it is *sealed*: it was to be ended when it had expired, and was
    /// not handed out yet. In either case no commit that was held back revives it.
    pub(crate) leased_until: Option<Timestamp>,
    pub(crate) record: Record,
    /// Sorted by name.
    pub(crate) attributes: Vec<Attribute>,
}

/// An attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: Name,
    pub(crate) revision: Version,
    pub(crate) lapses_at: Option<Timestamp>,
    pub(crate) value: Value,
}

/// An attribute's value, or where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Here.
    Inline(Bytes),
    /// In these messages of the stream of values, one after the other.
    Elsewhere {
        /// Of all parts together.
        bytes: u64,
        places: Vec<Place>,
    },
}

/// Where a part of a value is: the number of its message, and what its subject says beside the session. The number alone would not
/// do: where the stream of values alone was lost, numbers begin again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) sequence: u64,
    /// Who stored it.
    pub(crate) commit: CommitId,
    /// Which of the commit's parts it is.
    pub(crate) number: u32,
}

impl Attribute {
    pub(crate) fn is_there(&self, at: Timestamp) -> bool {
        self.lapses_at.is_none_or(|lapse| at < lapse)
    }

    pub(crate) fn size(&self) -> Size {
        let value = match &self.value {
            Value::Inline(bytes) => bytes.len() as u64,
            Value::Elsewhere { bytes, .. } => *bytes,
        };
        Size { value, revision: self.revision }
    }

    /// Returns the messages that hold the value.
    pub(crate) fn places(&self) -> &[Place] {
        match &self.value {
            Value::Inline(_) => &[],
            Value::Elsewhere { places, .. } => places,
        }
    }
}

impl Manifest {
    pub(crate) fn get(&self, name: &str) -> Option<&Attribute> {
        let at = self.attributes.binary_search_by(|it| it.name.as_str().cmp(name)).ok()?;
        self.attributes.get(at)
    }

    /// Returns whether nothing opens or changes the session any more: a sweep has handed it out, or it is sealed.
    pub(crate) fn is_closed(&self) -> bool {
        self.leased_until.is_some()
    }

    /// Returns the messages that hold values.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        self.attributes.iter().flat_map(|it| it.places().iter().copied())
    }

    /// Removes what has lapsed, and counts it out.
    pub(crate) fn drop_lapsed(&mut self, now: Timestamp) {
        if self.record.next_lapse.is_none_or(|lapse| now < lapse) {
            return;
        }
        self.attributes.retain(|it| it.is_there(now));
        let size = |it: &Attribute| it.name.as_str().len() as u64 + it.size().value;
        self.record.attributes = u32::try_from(self.attributes.len()).unwrap_or(u32::MAX);
        self.record.bytes = self.attributes.iter().map(size).sum();
        self.record.next_lapse = self.attributes.iter().filter_map(|it| it.lapses_at).min();
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512 + 64 * self.attributes.len());
        out.extend_from_slice(&[FORMAT, if self.leased_until.is_some() { LEASED } else { 0 }]);
        number(self.born, &mut out);
        if let Some(until) = self.leased_until {
            time(until, &mut out);
        }
        short_part(&self.record.to_bytes(), &mut out);
        long(self.attributes.len(), &mut out);
        for attribute in &self.attributes {
            encode_attribute(attribute, &mut out);
        }
        out
    }
}

fn encode_attribute(attribute: &Attribute, out: &mut Vec<u8>) {
    let lapses = if attribute.lapses_at.is_some() { LAPSES } else { 0 };
    let inline = if matches!(attribute.value, Value::Inline(_)) { INLINE } else { 0 };
    out.push(lapses | inline);
    short_part(attribute.name.as_str().as_bytes(), out);
    number(attribute.revision.0, out);
    if let Some(lapse) = attribute.lapses_at {
        time(lapse, out);
    }
    match &attribute.value {
        Value::Inline(bytes) => {
            long(bytes.len(), out);
            out.extend_from_slice(bytes);
        }
        Value::Elsewhere { bytes, places } => {
            number(*bytes, out);
            long(places.len(), out);
            places.iter().for_each(|place| encode_place(place, out));
        }
    }
}

fn encode_place(place: &Place, out: &mut Vec<u8>) {
    number(place.sequence, out);
    out.extend_from_slice(place.commit.as_bytes());
    out.extend_from_slice(&place.number.to_be_bytes());
}

impl Body {
    /// Reads a message. Inline values are parts of it, and not copied. No bytes: the session has ended.
    pub(crate) fn decode(bytes: Bytes, sequence: u64) -> Result<Self, Damaged> {
        if bytes.is_empty() {
            return Ok(Self::Ended);
        }
        let mut reader = Reader::new(bytes);
        match reader.byte()? {
            FORMAT => {}
            other => return Err(Damaged::Format(other)),
        }
        let flags = reader.byte()?;
        let born = Some(reader.number()?).filter(|born| *born != 0).unwrap_or(sequence);
        let leased_until = (flags & LEASED != 0).then(|| reader.time()).transpose()?;
        let record = Record::from_bytes(&reader.short_part()?)?;
        let count = reader.long()?;
        let attributes = (0..count).map(|_| decode_attribute(&mut reader)).collect::<Result<Vec<_>, _>>()?;
        let is_sorted = attributes.is_sorted_by(|one, next| one.name < next.name);
        if !is_sorted || !reader.is_empty() {
            return Err(Damaged::Content);
        }
        Ok(Self::Session(Box::new(Manifest { born, leased_until, record, attributes })))
    }
}

fn decode_attribute(reader: &mut Reader) -> Result<Attribute, Damaged> {
    let flags = reader.byte()?;
    let name = Name::new(reader.text()?).map_err(|_| Damaged::Content)?;
    let revision = Version(reader.number()?);
    let lapses_at = (flags & LAPSES != 0).then(|| reader.time()).transpose()?;
    let value = if flags & INLINE != 0 {
        let length = reader.long()?;
        Value::Inline(reader.part(length as usize)?)
    } else {
        let (bytes, parts) = (reader.number()?, reader.long()?);
        let places = (0..parts).map(|_| decode_place(reader)).collect::<Result<_, _>>()?;
        Value::Elsewhere { bytes, places }
    };
    Ok(Attribute { name, revision, lapses_at, value })
}

fn decode_place(reader: &mut Reader) -> Result<Place, Damaged> {
    let (sequence, commit) = (reader.number()?, CommitId::from_bytes(reader.array()?));
    Ok(Place { sequence, commit, number: reader.long()? })
}

#[cfg(test)]
mod tests;
