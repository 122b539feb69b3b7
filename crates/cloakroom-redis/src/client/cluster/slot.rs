/// The number of slots that a cluster's keys are divided into.
const SLOTS: u16 = 16384;

/// Returns the slot of a key: that of the part in braces, if it has one.
pub(super) fn slot_of(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        let close = rest.iter().position(|byte| *byte == b'}')?;
        (close > 0).then(|| &rest[..close])
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

/// CRC-16/XMODEM, as the cluster specification has it.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 { shifted } else { shifted ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot_of(b"foo"), 12182);
        assert_eq!(slot_of(b"a:{foo}:b"), 12182);
        assert_eq!(slot_of(b"{}foo"), crc16(b"{}foo") % SLOTS);
    }

    #[test]
    fn buckets_are_spread_over_the_slots() {
        let thirds = (0..=255_u8).fold([0; 3], |mut thirds, bucket| {
            let slot = slot_of(format!("cloakroom:{{{bucket:02x}}}:x").as_bytes());
            thirds[usize::from(slot) * 3 / usize::from(SLOTS)] += 1;
            thirds
        });
        assert!(thirds.iter().all(|third| (70..100).contains(third)), "{thirds:?}");
    }
}
