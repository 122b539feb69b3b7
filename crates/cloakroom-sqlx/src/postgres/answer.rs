use std::str;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{Name, StoredAttribute, Timestamp, Version};
use sqlx::Row as _;
use sqlx::postgres::{PgRow, PgValueFormat};

use super::damaged::Damaged;

/// Up to so many known names it is cheaper to look for one than to make it anew.
const FEW: usize = 8;

/// What the length of an attribute's name is increased by if it has a time when it lapses.
const LAPSES: u16 = 4096;

/// Takes the bytes that a function has returned out of a row, without a copy where the driver has them as bytes. A text is
/// hexadecimal.
pub(super) fn bytes(row: PgRow) -> Result<Bytes, sqlx::Error> {
    let value = row.try_get_raw(0)?;
    match value.format() {
        PgValueFormat::Text => {
            let text = value.as_str().map_err(sqlx::Error::Decode)?;
            hex::decode(text).map(Bytes::from).map_err(|error| sqlx::Error::Decode(error.into()))
        }
        PgValueFormat::Binary => {
            value.as_bytes().map_err(sqlx::Error::Decode)?;
            Ok(Bytes::from_owner(InRow(row)))
        }
    }
}

/// An answer that stays where the driver has put it.
struct InRow(PgRow);

impl AsRef<[u8]> for InRow {
    fn as_ref(&self) -> &[u8] {
        self.0.try_get_raw(0).ok().and_then(|value| value.as_bytes().ok()).unwrap_or_default()
    }
}

/// Reads the fields of an answer one after the other. What is not as it should be is damaged in the tables.
pub(super) struct Fields {
    answer: Bytes,
    at: usize,
}

impl Fields {
    pub(super) fn new(answer: Bytes) -> Self {
        Self { answer, at: 0 }
    }

    pub(super) fn is_over(&self) -> bool {
        self.at >= self.answer.len()
    }

    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Damaged> {
        let array = self.answer.get(self.at..).and_then(|rest| rest.first_chunk());
        self.at += N;
        array.copied().ok_or(Damaged(what))
    }

    pub(super) fn byte(&mut self, what: &'static str) -> Result<u8, Damaged> {
        self.array(what).map(|[byte]| byte)
    }

    pub(super) fn small(&mut self, what: &'static str) -> Result<u16, Damaged> {
        self.array(what).map(u16::from_be_bytes)
    }

    pub(super) fn length(&mut self, what: &'static str) -> Result<usize, Damaged> {
        usize::try_from(u32::from_be_bytes(self.array(what)?)).map_err(|_| Damaged(what))
    }

    pub(super) fn number(&mut self, what: &'static str) -> Result<u64, Damaged> {
        u64::try_from(i64::from_be_bytes(self.array(what)?)).map_err(|_| Damaged(what))
    }

    /// Reads a number; `None` if it is negative.
    pub(super) fn optional(&mut self, what: &'static str) -> Result<Option<u64>, Damaged> {
        Ok(u64::try_from(i64::from_be_bytes(self.array(what)?)).ok())
    }

    pub(super) fn time(&mut self, what: &'static str) -> Result<Timestamp, Damaged> {
        self.number(what).map(Timestamp::from_millis)
    }

    pub(super) fn interval(&mut self, what: &'static str) -> Result<Duration, Damaged> {
        self.number(what).map(Duration::from_millis)
    }

    pub(super) fn version(&mut self, what: &'static str) -> Result<Version, Damaged> {
        self.number(what).map(Version)
    }

    /// Takes so many bytes, without a copy.
    pub(super) fn take(&mut self, length: usize, what: &'static str) -> Result<Bytes, Damaged> {
        let range = self.range(length, what)?;
        Ok(self.answer.slice(range))
    }

    /// Reads a text that stands after its length.
    pub(super) fn text(&mut self, what: &'static str) -> Result<&str, Damaged> {
        let length = usize::from(self.small(what)?);
        self.words(length, what)
    }

    /// Reads names that stand in one value, a line for each, after their length.
    pub(super) fn names(&mut self) -> Result<Vec<Name>, Damaged> {
        let length = self.length("name")?;
        let lines = self.words(length, "name")?;
        if lines.is_empty() { Ok(Vec::new()) } else { lines.split('\n').map(name).collect() }
    }

    /// Reads attributes up to the end. `known` are names that were asked for: one that is found need not be made anew.
    pub(super) fn attributes(&mut self, known: &[Name]) -> Result<Vec<StoredAttribute>, Damaged> {
        let known = if known.len() <= FEW { known } else { &[] };
        let mut attributes = Vec::with_capacity(known.len());
        while !self.is_over() {
            attributes.push(self.attribute(known)?);
        }
        Ok(attributes)
    }

    fn attribute(&mut self, known: &[Name]) -> Result<StoredAttribute, Damaged> {
        let length = self.small("name")?;
        let text = self.words(usize::from(length % LAPSES), "name")?;
        let name = match known.iter().find(|name| name.as_str() == text) {
            Some(name) => name.clone(),
            None => name(text)?,
        };
        let revision = self.version("revision")?;
        let lapses_at = (length >= LAPSES).then(|| self.time("lapses_at")).transpose()?;
        let length = self.length("content")?;
        Ok(StoredAttribute { name, value: self.take(length, "content")?, revision, lapses_at })
    }

    fn words(&mut self, length: usize, what: &'static str) -> Result<&str, Damaged> {
        let range = self.range(length, what)?;
        str::from_utf8(&self.answer[range]).map_err(|_| Damaged(what))
    }

    fn range(&mut self, length: usize, what: &'static str) -> Result<std::ops::Range<usize>, Damaged> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.answer.len());
        let end = end.ok_or(Damaged(what))?;
        let range = self.at..end;
        self.at = end;
        Ok(range)
    }
}

fn name(text: &str) -> Result<Name, Damaged> {
    Name::new(text.to_owned()).map_err(|_| Damaged("name"))
}

#[cfg(test)]
mod tests;
