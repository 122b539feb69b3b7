use bytes::{Buf as _, Bytes};
use cloakroom_core::Timestamp;

use super::Damaged;

/// What is still to be read of a message.
pub(super) struct Reader(Bytes);

impl Reader {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damaged> {
        self.0.try_get_u8().map_err(|_| Damaged::Content)
    }

    pub(super) fn short(&mut self) -> Result<u16, Damaged> {
        self.0.try_get_u16().map_err(|_| Damaged::Content)
    }

    pub(super) fn long(&mut self) -> Result<u32, Damaged> {
        self.0.try_get_u32().map_err(|_| Damaged::Content)
    }

    pub(super) fn number(&mut self) -> Result<u64, Damaged> {
        self.0.try_get_u64().map_err(|_| Damaged::Content)
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, Damaged> {
        self.number().map(Timestamp::from_millis)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let part = self.part(N)?;
        part[..].try_into().map_err(|_| Damaged::Content)
    }

    /// Reads so many bytes, without copying them.
    pub(super) fn part(&mut self, length: usize) -> Result<Bytes, Damaged> {
        (length <= self.0.len()).then(|| self.0.split_to(length)).ok_or(Damaged::Content)
    }

    /// Reads a length of two bytes, and so many bytes.
    pub(super) fn short_part(&mut self) -> Result<Bytes, Damaged> {
        let length = self.short()?;
        self.part(length.into())
    }

    pub(super) fn text(&mut self) -> Result<String, Damaged> {
        String::from_utf8(self.short_part()?.into()).map_err(|_| Damaged::Content)
    }
}
