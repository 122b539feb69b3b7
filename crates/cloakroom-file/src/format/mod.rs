//! What a session's file holds.
//!
//! All numbers are big-endian; times are milliseconds. A checksum is a CRC-32C that begins with the file's salt, which
//! nobody outside knows: no value can be made up to look like a frame.
//!
//! | at | | |
//! |---|---|---|
//! | 0 | [`Header`] | never changes |
//! | 64, 128 | [`Slot`] | written in place, in turns: the later one that is whole counts |
//! | 192 | frames | only ever appended: one for each commit |
//!
//! A frame has a head and a body. The head is the session's record and what becomes of attributes; the body is their
//! values. One that lists all attributes, the older ones by where their values are in the file, is *whole*: whoever reads
//! begins at the last one of these, and reads heads and the values that are asked for.
//!
//! | bytes | frame |
//! |---|---|
//! | 4 + 4 | length of head and body |
//! | 4 | checksum of where the frame is, the lengths, and the head |
//! | … | head: 1 whether it is whole, 2 + n record, 4 number of entries, entries |
//! | … | body |
//!
//! | bytes | entry |
//! |---|---|
//! | 2 + n | name |
//! | 1 | 0: removed; 1: the value is in this body; 2: it is earlier in the file |
//! | 8 + 4 + 4 + 8 + 8 | unless removed: where it begins (in the body or the file), its length and checksum, revision, lapse or 0 |

mod fields;
mod frame;
mod header;
mod slot;

use cloakroom_core::{Timestamp, Version};
use crc::{CRC_32_ISCSI, Crc, Digest, Table};

pub(crate) use self::frame::{Entry, FRAME, Frame, Head, Lengths, NewValue, frame_bytes};
pub(crate) use self::header::{Header, Salt};
pub(crate) use self::slot::{Slot, Slots};

/// Where the frames begin.
pub(crate) const FRAMES_AT: u64 = 192;

const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// Where a value is, and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) at: u64,
    pub(crate) length: u32,
    pub(crate) checksum: u32,
    pub(crate) revision: Version,
    pub(crate) lapses_at: Option<Timestamp>,
}

impl Held {
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.lapses_at.is_none_or(|end| now < end)
    }
}

/// Begins a checksum.
fn digest(salt: Salt) -> Digest<'static, u32, Table<16>> {
    static TABLE: Crc<u32, Table<16>> = CRC;
    let mut digest = TABLE.digest();
    digest.update(&salt.0);
    digest
}

/// Returns the checksum of a value.
pub(crate) fn checksum(salt: Salt, bytes: &[u8]) -> u32 {
    let mut digest = digest(salt);
    digest.update(bytes);
    digest.finalize()
}
