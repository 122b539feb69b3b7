use std::collections::VecDeque;

use crate::commit::{CommitId, TicketFate};
use crate::time::Version;

/// How many commits of a session are remembered. A retry follows at once, so only as many other commits can slip in
/// between as there are requests of one visitor under way.
const KEPT: usize = 8;

/// One remembered commit as bytes: id, version, fate.
const ENTRY: usize = 16 + 8 + 1;

/// The answers to a session's last few commits, so that one whose answer was lost can be tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecentCommits(VecDeque<(CommitId, Version, TicketFate)>);

impl RecentCommits {
    pub(crate) fn find(&self, id: CommitId) -> Option<(Version, TicketFate)> {
        let found = self.0.iter().find(|(known, ..)| *known == id);
        found.map(|&(_, version, fate)| (version, fate))
    }

    pub(crate) fn remember(&mut self, id: CommitId, version: Version, fate: TicketFate) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((id, version, fate));
    }

    /// Writes the list as bytes, for a store that keeps it in one field.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * ENTRY);
        for (id, version, fate) in &self.0 {
            bytes.extend_from_slice(id.as_bytes());
            bytes.extend_from_slice(&version.0.to_be_bytes());
            bytes.push(fate_code(*fate));
        }
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` if it is anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if !bytes.len().is_multiple_of(ENTRY) || bytes.len() > KEPT * ENTRY {
            return None;
        }
        bytes.chunks_exact(ENTRY).map(decode_entry).collect::<Option<_>>().map(Self)
    }
}

/// The seed of a renewal is left out: it belongs to the record, which forgets it as soon as it can.
fn fate_code(fate: TicketFate) -> u8 {
    match fate {
        TicketFate::Kept => 0,
        TicketFate::Changed => 1,
        TicketFate::AlreadyRenewed(_) => 2,
        TicketFate::AlreadySignedIn => 3,
    }
}

fn decode_entry(entry: &[u8]) -> Option<(CommitId, Version, TicketFate)> {
    let (id, rest) = entry.split_first_chunk::<16>()?;
    let (version, rest) = rest.split_first_chunk::<8>()?;
    let fate = match rest.first()? {
        0 => TicketFate::Kept,
        1 => TicketFate::Changed,
        2 => TicketFate::AlreadyRenewed(None),
        3 => TicketFate::AlreadySignedIn,
        _ => return None,
    };
    Some((CommitId::from_bytes(*id), Version(u64::from_be_bytes(*version)), fate))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_few_are_kept_and_survive_as_bytes() {
        let mut recent = RecentCommits::default();
        let ids: Vec<_> = (0..KEPT as u64 + 1).map(|_| CommitId::generate().unwrap()).collect();
        for (version, id) in ids.iter().enumerate() {
            recent.remember(*id, Version(version as u64), TicketFate::AlreadyRenewed(None));
        }
        let recent = RecentCommits::from_bytes(&recent.to_bytes()).unwrap();
        assert_eq!(recent.find(ids[0]), None);
        assert_eq!(recent.find(ids[1]), Some((Version(1), TicketFate::AlreadyRenewed(None))));
    }

    #[test]
    fn damaged_bytes_are_refused() {
        assert_eq!(RecentCommits::from_bytes(&[0; 3]), None);
        assert_eq!(RecentCommits::from_bytes(&[9; ENTRY]), None);
        assert_eq!(RecentCommits::from_bytes(&[0; ENTRY * (KEPT + 1)]), None);
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_as_the_same(bytes in proptest::collection::vec(0..5_u8, 0..KEPT * ENTRY + 9)) {
            if let Some(recent) = RecentCommits::from_bytes(&bytes) {
                prop_assert_eq!(recent.to_bytes(), bytes);
            }
        }

        #[test]
        fn entries_of_any_id_come_back(ids in proptest::collection::vec(any::<[u8; 16]>(), 0..2 * KEPT), fate in 0..4_u8) {
            let mut bytes: Vec<u8> = Vec::new();
            for id in &ids {
                bytes.extend(id.iter().chain(&[0; 7]).chain(&[id[0], fate]));
            }
            let recent = RecentCommits::from_bytes(&bytes);
            prop_assert_eq!(recent.is_some(), ids.len() <= KEPT);
            prop_assert!(recent.is_none_or(|recent| recent.to_bytes() == bytes));
        }
    }
}
