use bytes::Bytes;
use cloakroom_core::{CommitId, Handle, Timestamp};

use super::reader::Reader;
use super::writer::{long, time};
use super::{Damaged, FORMAT};

const TURN: u8 = 1;

/// The sessions that a principal may be signed in to: it may hold too many, never too few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) listed: Vec<Listed>,
    pub(crate) turn: Option<Turn>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) handle: Handle,
    /// When it was entered last: just before somebody signed in to it. [`ALL_ENDED`] where all sessions were to end since.
    pub(crate) since: Timestamp,
}

/// No session was entered then.
const ALL_ENDED: Timestamp = Timestamp::from_millis(0);

/// Whose turn it is to sign in, where the number of sessions is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) commit: CommitId,
    pub(crate) until: Timestamp,
}

impl Index {
    pub(crate) fn enter(&mut self, handle: Handle, since: Timestamp) {
        self.listed.retain(|it| it.handle != handle);
        self.listed.push(Listed { handle, since });
    }

    /// Marks all sessions but this one, so that a sign-in that is under way finds out; returns whether there were any without a
    /// mark.
    pub(crate) fn mark_ended(&mut self, except: Option<Handle>) -> bool {
        let theirs = self.listed.iter_mut().filter(|it| Some(it.handle) != except && it.since != ALL_ENDED);
        theirs.map(|it| it.since = ALL_ENDED).count() > 0
    }

    /// Returns whether a session was entered, and all were not to end since.
    pub(crate) fn expects(&self, handle: Handle) -> bool {
        self.listed.iter().any(|it| it.handle == handle && it.since != ALL_ENDED)
    }

    /// Removes a session that was entered before this moment; returns whether there was one.
    pub(crate) fn leave(&mut self, handle: Handle, before: Timestamp) -> bool {
        let count = self.listed.len();
        self.listed.retain(|it| it.handle != handle || it.since >= before);
        self.listed.len() < count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.listed.is_empty() && self.turn.is_none()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32 + 24 * self.listed.len());
        out.extend_from_slice(&[FORMAT, if self.turn.is_some() { TURN } else { 0 }]);
        if let Some(turn) = &self.turn {
            out.extend_from_slice(turn.commit.as_bytes());
            time(turn.until, &mut out);
        }
        long(self.listed.len(), &mut out);
        for listed in &self.listed {
            out.extend_from_slice(listed.handle.as_bytes());
            time(listed.since, &mut out);
        }
        out
    }

    pub(crate) fn decode(bytes: Bytes) -> Result<Self, Damaged> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let mut reader = Reader::new(bytes);
        match reader.byte()? {
            FORMAT => {}
            other => return Err(Damaged::Format(other)),
        }
        let has_turn = reader.byte()? & TURN != 0;
        let turn = has_turn.then(|| decode_turn(&mut reader)).transpose()?;
        let count = reader.long()?;
        let listed = (0..count).map(|_| decode_listed(&mut reader)).collect::<Result<_, _>>()?;
        Ok(Self { listed, turn })
    }
}

fn decode_turn(reader: &mut Reader) -> Result<Turn, Damaged> {
    Ok(Turn { commit: CommitId::from_bytes(reader.array()?), until: reader.time()? })
}

fn decode_listed(reader: &mut Reader) -> Result<Listed, Damaged> {
    Ok(Listed { handle: Handle::from_bytes(reader.array()?), since: reader.time()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_to_end_is_not_expected_until_it_is_entered_again() {
        let [one, two] = [1, 2].map(|byte| Handle::from_bytes([byte; 16]));
        let mut index = Index::default();
        assert!(!index.mark_ended(None) && !index.expects(one));
        index.enter(one, Timestamp::from_millis(5));
        index.enter(two, Timestamp::from_millis(6));
        assert!(index.mark_ended(Some(two)));
        assert!(!index.expects(one) && index.expects(two));
        assert!(!index.mark_ended(Some(two)));
        index.enter(one, Timestamp::from_millis(7));
        assert!(index.expects(one));
    }

    #[test]
    fn an_index_comes_back_as_it_was() {
        let mut index = Index::default();
        assert_eq!(Index::decode(Bytes::new()), Ok(index.clone()));
        index.enter(Handle::from_bytes([1; 16]), Timestamp::from_millis(5));
        index.enter(Handle::from_bytes([2; 16]), Timestamp::from_millis(6));
        index.enter(Handle::from_bytes([1; 16]), Timestamp::from_millis(7));
        assert_eq!(index.listed.len(), 2);
        index.turn = Some(Turn { commit: CommitId::from_bytes([3; 16]), until: Timestamp::from_millis(9) });
        let bytes = index.encode();
        assert_eq!(Index::decode(bytes.clone().into()), Ok(index));
        for length in 1..bytes.len() {
            assert!(
                Index::decode(Bytes::copy_from_slice(&bytes[..length])).is_err(),
                "cut to {length} bytes"
            );
        }
    }
}
