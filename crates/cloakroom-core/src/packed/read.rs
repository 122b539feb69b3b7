use std::time::Duration;

use super::{
    BY_SIGN_IN, ENDS_AT, FORMAT, InvalidRecord, LABEL, MORE, NEXT_LAPSE, PREVIOUS, PRINCIPAL, SIGNED_IN_AT,
};
use crate::recent::RecentCommits;
use crate::record::{Previous, Record, Replacement};
use crate::text::{Label, Principal};
use crate::ticket::{Proof, Seed};
use crate::time::{Timestamp, Version};

const DAMAGED: InvalidRecord = InvalidRecord::Damaged;

/// Reads a record.
pub(super) fn decode(bytes: &[u8]) -> Result<Record, InvalidRecord> {
    let mut fields = Fields::new(bytes)?;
    let mut record = fields.record()?;
    record.recent = RecentCommits::from_bytes(fields.rest).ok_or(DAMAGED)?;
    Ok(record)
}

/// Reads a record without its recent commits: enough to decide on a load, and not to be stored again.
pub(super) fn decode_for_load(bytes: &[u8]) -> Result<Record, InvalidRecord> {
    Fields::new(bytes)?.record()
}

/// What is still to be read.
struct Fields<'a> {
    flags: u8,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, InvalidRecord> {
        match bytes {
            [FORMAT, flags, rest @ ..] => Ok(Self { flags: *flags, rest }),
            [FORMAT] | [] => Err(DAMAGED),
            [other, ..] => Err(InvalidRecord::Format(*other)),
        }
    }

    fn record(&mut self) -> Result<Record, InvalidRecord> {
        let proof = Proof::from_bytes(self.array()?);
        let version = Version(self.number()?);
        let (ticket_issued_at, created_at, accessed_at) = (self.time()?, self.time()?, self.time()?);
        let max_inactive_interval = Duration::from_millis(self.number()?);
        let (bytes, attributes) = (self.number()?, u32::from_be_bytes(self.array()?));
        let previous = self.previous()?;
        let ends_at = self.when(ENDS_AT, Self::time)?;
        let signed_in_at = self.when(SIGNED_IN_AT, Self::time)?;
        let next_lapse = self.when(NEXT_LAPSE, Self::time)?;
        let principal = self.when(PRINCIPAL, |it| Principal::new(it.text()?).map_err(|_| DAMAGED))?;
        let label = self.when(LABEL, |it| Label::new(it.text()?).map_err(|_| DAMAGED))?;
        Ok(Record {
            proof,
            previous,
            ticket_issued_at,
            version,
            created_at,
            accessed_at,
            max_inactive_interval,
            ends_at,
            principal,
            signed_in_at,
            label,
            attributes,
            bytes,
            next_lapse,
            recent: RecentCommits::default(),
        })
    }

    fn previous(&mut self) -> Result<Option<Previous>, InvalidRecord> {
        self.when(PREVIOUS, |it| {
            let (proof, until) = (Proof::from_bytes(it.array()?), it.time()?);
            let replaced_by = if it.flags & BY_SIGN_IN != 0 {
                Replacement::SignIn(it.when(MORE, |it| it.array().map(Proof::from_bytes))?)
            } else {
                Replacement::Renewal(it.when(MORE, |it| it.array().map(Seed::from_bytes))?)
            };
            Ok(Previous { proof, until, replaced_by })
        })
    }

    fn when<T>(
        &mut self,
        flag: u8,
        read: impl FnOnce(&mut Self) -> Result<T, InvalidRecord>,
    ) -> Result<Option<T>, InvalidRecord> {
        (self.flags & flag != 0).then(|| read(self)).transpose()
    }

    fn time(&mut self) -> Result<Timestamp, InvalidRecord> {
        self.number().map(Timestamp::from_millis)
    }

    fn number(&mut self) -> Result<u64, InvalidRecord> {
        self.array().map(u64::from_be_bytes)
    }

    fn text(&mut self) -> Result<String, InvalidRecord> {
        let length = usize::from(u16::from_be_bytes(self.array()?));
        let (text, rest) = self.rest.split_at_checked(length).ok_or(DAMAGED)?;
        self.rest = rest;
        let text = std::str::from_utf8(text).map_err(|_| DAMAGED)?;
        Ok(text.to_owned())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], InvalidRecord> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(DAMAGED)?;
        self.rest = rest;
        Ok(*array)
    }
}
