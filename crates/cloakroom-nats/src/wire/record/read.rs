use std::time::Duration;

use cloakroom_core::{
    Label, Previous, Principal, Proof, RecentCommits, Record, Replacement, Seed, Timestamp, Version,
};

use super::{BY_SIGN_IN, ENDS_AT, LABEL, MORE, NEXT_LAPSE, PREVIOUS, PRINCIPAL, SIGNED_IN_AT};
use crate::wire::Damaged;
use crate::wire::reader::Reader;

/// Reads a record, and leaves what follows it.
pub(in crate::wire) fn decode(reader: &mut Reader) -> Result<Record, Damaged> {
    Fields { flags: reader.byte()?, reader }.record()
}

struct Fields<'a> {
    flags: u8,
    reader: &'a mut Reader,
}

impl Fields<'_> {
    fn record(&mut self) -> Result<Record, Damaged> {
        let proof = Proof::from_bytes(self.reader.array()?);
        let version = Version(self.reader.number()?);
        let (ticket_issued_at, created_at, accessed_at) =
            (self.reader.time()?, self.reader.time()?, self.reader.time()?);
        let max_inactive_interval = Duration::from_millis(self.reader.number()?);
        let (bytes, attributes) = (self.reader.number()?, self.reader.long()?);
        let previous = self.previous()?;
        let ends_at = self.time_if(ENDS_AT)?;
        let signed_in_at = self.time_if(SIGNED_IN_AT)?;
        let next_lapse = self.time_if(NEXT_LAPSE)?;
        let principal =
            self.when(PRINCIPAL, |it| Principal::new(it.reader.text()?).map_err(|_| Damaged::Content))?;
        let label = self.when(LABEL, |it| Label::new(it.reader.text()?).map_err(|_| Damaged::Content))?;
        let recent = RecentCommits::from_bytes(&self.reader.short_part()?).ok_or(Damaged::Content)?;
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
            recent,
        })
    }

    fn previous(&mut self) -> Result<Option<Previous>, Damaged> {
        self.when(PREVIOUS, |it| {
            let (proof, until) = (Proof::from_bytes(it.reader.array()?), it.reader.time()?);
            let replaced_by = if it.flags & BY_SIGN_IN != 0 {
                Replacement::SignIn(it.when(MORE, |it| it.reader.array().map(Proof::from_bytes))?)
            } else {
                Replacement::Renewal(it.when(MORE, |it| it.reader.array().map(Seed::from_bytes))?)
            };
            Ok(Previous { proof, until, replaced_by })
        })
    }

    fn time_if(&mut self, flag: u8) -> Result<Option<Timestamp>, Damaged> {
        self.when(flag, |it| it.reader.time())
    }

    fn when<T>(
        &mut self,
        flag: u8,
        read: impl FnOnce(&mut Self) -> Result<T, Damaged>,
    ) -> Result<Option<T>, Damaged> {
        (self.flags & flag != 0).then(|| read(self)).transpose()
    }
}
