use cloakroom_core::{CommitId, Handle};

use super::checksum;
use super::fields::Fields;
use crate::error::Damaged;

/// How a session's file is written. One of another format is left to whoever understands it.
pub(crate) const FORMAT: u8 = 1;

const MAGIC: [u8; 7] = *b"cloakrm";
const CHECKED: usize = 40;
const LENGTH: usize = CHECKED + 4;

/// What a file's checksums begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Salt(pub(super) [u8; 8]);

impl Salt {
    /// Takes half of the random bits that name the commit which makes the file.
    pub(crate) fn of(commit: CommitId) -> Self {
        let mut salt = [0; 8];
        salt.copy_from_slice(&commit.as_bytes()[..8]);
        Self(salt)
    }
}

/// What never changes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) handle: Handle,
    /// The [`State`](crate::state::State) of its creation.
    pub(crate) epoch: u64,
    pub(crate) salt: Salt,
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(LENGTH);
        out.extend_from_slice(&MAGIC);
        out.push(FORMAT);
        out.extend_from_slice(self.handle.as_bytes());
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&self.salt.0);
        out.extend_from_slice(&checksum(self.salt, &out).to_be_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        const DAMAGED: Damaged = Damaged::Part("header");
        let checked = bytes.get(..CHECKED).ok_or(DAMAGED)?;
        let (magic, rest) = checked.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(DAMAGED);
        }
        let mut fields = Fields(rest);
        let header = (|| {
            let format = fields.byte()?;
            let handle = Handle::from_bytes(fields.array()?);
            Some((format, Self { handle, epoch: fields.number()?, salt: Salt(fields.array()?) }))
        })();
        let stored = Fields(&bytes[CHECKED..]).medium();
        match header {
            Some((format, header)) if stored == Some(checksum(header.salt, checked)) => match format {
                FORMAT => Ok(header),
                other => Err(Damaged::Format(other)),
            },
            _ => Err(DAMAGED),
        }
    }
}
