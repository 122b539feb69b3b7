use cloakroom_core::Timestamp;

pub(super) fn number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_be_bytes());
}

pub(super) fn time(time: Timestamp, out: &mut Vec<u8>) {
    number(time.as_millis(), out);
}

/// Writes a length of two bytes, and the bytes. Whatever is written with this has a few hundred at most.
pub(super) fn short_part(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Writes a length of four bytes.
pub(super) fn long(count: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}
