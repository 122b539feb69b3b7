use cloakroom_core::Timestamp;

use super::fields::Fields;
use super::{FRAMES_AT, Salt, checksum};

/// Where the two places are. Within the first sector of a disk, so that each is written whole or not at all.
const PLACES: [u64; 2] = [64, 128];
const CHECKED: usize = 40;
const LENGTH: usize = CHECKED + 4;

/// What changes of a session between its commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Counts the writes; its parity says in which place it is.
    pub(crate) count: u64,
    /// The last access, unless the record has a later one.
    pub(crate) accessed_at: Timestamp,
    /// Set when the session has ended and waits to be handed out; until then it is claimed.
    pub(crate) claimed_until: Option<Timestamp>,
    /// Up to here the file is known to be on disk: what is damaged before is no commit that was cut short.
    pub(crate) known: u64,
    /// Where the last whole frame is.
    pub(crate) start: u64,
}

impl Slot {
    /// Returns where it is written.
    pub(crate) fn place(&self) -> u64 {
        PLACES[usize::from(!self.count.is_multiple_of(2))]
    }

    pub(crate) fn encode(&self, salt: Salt) -> Vec<u8> {
        let mut out = Vec::with_capacity(LENGTH);
        let claimed_until = self.claimed_until.map_or(0, |until| until.as_millis().max(1));
        for number in [self.count, self.accessed_at.as_millis(), claimed_until, self.known, self.start] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&checksum(salt, &out).to_be_bytes());
        out
    }

    fn decode(bytes: &[u8], salt: Salt) -> Option<Self> {
        let (checked, rest) = bytes.split_at_checked(CHECKED)?;
        if Fields(rest).medium()? != checksum(salt, checked) {
            return None;
        }
        let mut fields = Fields(checked);
        let (count, accessed_at) = (fields.number()?, Timestamp::from_millis(fields.number()?));
        let claimed_until = Some(fields.number()?).filter(|it| *it != 0).map(Timestamp::from_millis);
        Some(Self { count, accessed_at, claimed_until, known: fields.number()?, start: fields.number()? })
    }
}

/// What the two places hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots {
    pub(crate) latest: Slot,
    /// Whether one is not whole: it is being written, or whoever wrote it did not finish.
    pub(crate) is_one_cut: bool,
}

impl Slots {
    /// Reads them out of the first bytes of a file.
    pub(crate) fn decode(bytes: &[u8], salt: Salt) -> Option<Self> {
        let read = |place: u64| {
            let place = usize::try_from(place).ok()?;
            let slot = Slot::decode(bytes.get(place..place + LENGTH)?, salt)?;
            (slot.start >= FRAMES_AT).then_some(slot)
        };
        let [one, two] = PLACES.map(read);
        let latest = [one, two].into_iter().flatten().max_by_key(|slot| slot.count)?;
        Some(Self { latest, is_one_cut: one.is_none() || two.is_none() })
    }
}
