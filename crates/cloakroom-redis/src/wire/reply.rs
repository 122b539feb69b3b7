use std::fmt;

use bytes::Bytes;
use cloakroom_core::{Error, ErrorKind, Timestamp};
use redis::Value;

/// An answer that no script of ours gives, or a record that is not what this version writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// The record, or an attribute, was written in another format.
    Format,
    /// A record or an attribute holds what it should not.
    Damaged,
    /// The server answered something else than the script does.
    Answer,
}

impl Malformed {
    /// Makes this an error of an operation.
    pub(crate) fn during(self, operation: &'static str) -> Error {
        let kind = if self == Self::Answer { ErrorKind::Other } else { ErrorKind::Corrupt };
        Error::new(kind, operation, self)
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "the session was stored in another format than this version reads",
            Self::Damaged => "the stored session is damaged",
            Self::Answer => "the server's answer is not one of the store's scripts",
        })
    }
}

impl std::error::Error for Malformed {}

/// Takes a string out of a reply, without a copy.
pub(crate) fn bytes(value: Value) -> Result<Bytes, Malformed> {
    match value {
        Value::BulkString(bytes) => Ok(bytes.into()),
        _ => Err(Malformed::Answer),
    }
}

/// Takes a list of strings out of a reply.
pub(crate) fn strings(value: Value) -> Result<Vec<Bytes>, Malformed> {
    match value {
        Value::Array(values) => values.into_iter().map(bytes).collect(),
        _ => Err(Malformed::Answer),
    }
}

/// What of a reply is still to be read.
pub(super) struct Reply {
    bytes: Bytes,
    at: usize,
}

impl Reply {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Reads one byte.
    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn short(&mut self) -> Result<usize, Malformed> {
        self.array().map(|bytes| usize::from(u16::from_be_bytes(bytes)))
    }

    pub(super) fn long(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// Reads a number of 48 bits.
    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        let [a, b, c, d, e, f] = self.array()?;
        Ok(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, Malformed> {
        self.number().map(Timestamp::from_millis)
    }

    /// Reads a time, which is zero where there is none.
    pub(super) fn some_time(&mut self) -> Result<Option<Timestamp>, Malformed> {
        self.number().map(|time| (time > 0).then(|| Timestamp::from_millis(time)))
    }

    /// Begins to read a list of strings, in MessagePack, of which this was the first byte.
    pub(super) fn begin_list(&mut self, first: u8) -> Result<(), Malformed> {
        match first {
            0x90..=0x9f => Ok(()),
            0xdc => self.short().map(drop),
            0xdd => self.long().map(drop),
            _ => Err(Malformed::Answer),
        }
    }

    /// Reads the length of the list's next string; `None` if that is missing.
    pub(super) fn string(&mut self) -> Result<Option<usize>, Malformed> {
        Ok(Some(match self.byte()? {
            0xc2 => return Ok(None),
            fixed @ 0xa0..=0xbf => usize::from(fixed & 0x1f),
            0xd9 => self.byte()?.into(),
            0xda => self.short()?,
            0xdb => self.long()? as usize,
            _ => return Err(Malformed::Answer),
        }))
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, _) = self.bytes[self.at..].split_first_chunk().ok_or(Malformed::Damaged)?;
        self.at += N;
        Ok(*array)
    }

    pub(super) fn text(&mut self, length: usize) -> Result<&str, Malformed> {
        let end = self.end_of(length)?;
        let text = std::str::from_utf8(&self.bytes[self.at..end]).map_err(|_| Malformed::Damaged)?;
        self.at = end;
        Ok(text)
    }

    /// Takes a part of the reply, without a copy.
    pub(super) fn part(&mut self, length: usize) -> Result<Bytes, Malformed> {
        let end = self.end_of(length)?;
        let part = self.bytes.slice(self.at..end);
        self.at = end;
        Ok(part)
    }

    /// Returns how many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn end_of(&self, length: usize) -> Result<usize, Malformed> {
        if length <= self.left() { Ok(self.at + length) } else { Err(Malformed::Damaged) }
    }
}
