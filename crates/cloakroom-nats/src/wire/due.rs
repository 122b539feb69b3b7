use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{Handle, Timestamp};

use super::reader::Reader;
use super::writer::time;
use super::{Damaged, FORMAT};

/// When somebody must look at a session, because it may have expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) handle: Handle,
    pub(crate) at: Timestamp,
}

impl Due {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(25);
        out.push(FORMAT);
        out.extend_from_slice(self.handle.as_bytes());
        time(self.at, &mut out);
        out
    }

    pub(crate) fn decode(bytes: Bytes) -> Result<Self, Damaged> {
        let mut reader = Reader::new(bytes);
        match reader.byte()? {
            FORMAT => {}
            other => return Err(Damaged::Format(other)),
        }
        let handle = Handle::from_bytes(reader.array()?);
        Ok(Self { handle, at: reader.time()? })
    }

    /// Returns which line it stands in: that of all who wait about as long. So whoever stands at the head of a line is due
    /// first, or one sixteenth of the time later than another behind it at most.
    pub(crate) fn line(&self, now: Timestamp) -> u64 {
        line(self.at.since(now))
    }
}

/// Rounds up to five binary digits, and at least 64.
fn line(wait: Duration) -> u64 {
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).clamp(64, 1 << 62);
    let step = 1 << (millis.ilog2() - 4);
    millis.next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_few_lines_and_each_is_about_as_long_as_what_waits_in_it() {
        let mut lines = std::collections::BTreeSet::new();
        for millis in (0..2_000_000_u64).step_by(37) {
            let line = line(Duration::from_millis(millis));
            assert!(line >= millis && line <= millis.max(64) + millis / 16, "{millis} in {line}");
            lines.insert(line);
        }
        assert!(lines.len() < 260, "{}", lines.len());
    }

    #[test]
    fn it_comes_back_as_it_was() {
        let due = Due { handle: Handle::from_bytes([7; 16]), at: Timestamp::from_millis(1_700_000_000_001) };
        assert_eq!(Due::decode(due.encode().into()), Ok(due));
        assert_eq!(Due::decode(Bytes::from_static(&[9])), Err(Damaged::Format(9)));
        assert_eq!(Due::decode(Bytes::from_static(&[FORMAT, 1])), Err(Damaged::Content));
    }
}
