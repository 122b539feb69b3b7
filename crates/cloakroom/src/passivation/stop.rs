use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use cloakroom_core::{Error, ErrorKind, Timestamp};

use super::content::{record_from_bytes, record_to_bytes};
use super::{PassivatingStore, Shared};

/// How many records are written or read in one step.
const RECORDS: usize = 500;

impl PassivatingStore {
    /// Puts all sessions on disk, for the next start to find them. From then on every operation fails with
    /// [`ErrorKind::Unavailable`]: call it when the server has stopped.
    ///
    /// Returns how many sessions those are. Waits up to ten seconds for listeners.
    ///
    /// # Errors
    ///
    /// When the disk fails. The sessions are in memory still, and this may be called again; the next start finds none of them
    /// unless it succeeds.
    pub async fn stop(&self) -> Result<usize, Error> {
        *self.shared.stopped.write().await = true;
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
            let _ = task.await;
        }
        let left = self.shared.leave().await?;
        let teller = self.shared.teller.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(teller) = teller {
            teller.finish().await;
        }
        Ok(left)
    }
}

impl Shared {
    async fn leave(&self) -> Result<usize, Error> {
        let mut left = 0;
        for shard in 0..self.memory.shards() {
            while self.passivate(shard, 0).await? {}
            let records = self.memory.leaving(shard);
            left += records.len();
            for records in records.chunks(RECORDS) {
                let records = records.iter().map(|(parcel, session)| (*parcel, record_to_bytes(session)));
                self.depot.leave(records.collect()).await?;
            }
        }
        self.remove_discarded().await?;
        self.depot.seal(Note::of(self.memory.now()).to_bytes()).await?;
        tracing::info!(sessions = left, "all sessions are passivated for the next start");
        Ok(left)
    }

    /// Takes in the sessions that were left. One that cannot be read harms no other.
    pub(super) async fn find(&self) -> Result<(), Error> {
        let mut last = None;
        loop {
            let page = self.depot.left(last, RECORDS as u32).await?;
            let Some((parcel, _)) = page.last() else { break };
            last = Some(*parcel);
            self.take_in(page);
        }
        tracing::info!(sessions = self.memory.len(), "sessions from before this start were found");
        Ok(())
    }

    fn take_in(&self, page: Vec<(u64, Bytes)>) {
        for (parcel, record) in page {
            let kept = self.parcels.keep(parcel);
            match record_from_bytes(&record) {
                Some(left) => self.memory.take_in(left, kept),
                None => tracing::error!(parcel, "a session that was left for this start cannot be read"),
            }
        }
    }
}

/// When a store was stopped, by its own time and by the machine's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Note {
    stopped_at: Timestamp,
    machine: Timestamp,
}

const FORMAT: u8 = 1;

impl Note {
    fn of(stopped_at: Timestamp) -> Self {
        Self { stopped_at, machine: SystemTime::now().into() }
    }

    /// Returns the store's time of a start: it goes on from the stop, with what has passed since on the machine's clock, which
    /// nobody can turn back that far that time goes backward.
    pub(super) fn resume(note: Option<&Self>) -> Timestamp {
        Self::resume_at(note, SystemTime::now().into())
    }

    fn resume_at(note: Option<&Self>, machine: Timestamp) -> Timestamp {
        let since = |note: &Self| -> Duration { machine.since(note.machine) };
        note.map_or(machine, |note| note.stopped_at.plus(since(note)))
    }

    fn to_bytes(&self) -> Bytes {
        let mut out = vec![FORMAT];
        out.extend_from_slice(&self.stopped_at.as_millis().to_be_bytes());
        out.extend_from_slice(&self.machine.as_millis().to_be_bytes());
        out.into()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let times = bytes.strip_prefix(&[FORMAT]).filter(|times| times.len() == 16);
        let times = times.ok_or_else(|| Error::of(ErrorKind::Corrupt, "open"))?;
        let mut times = times.chunks_exact(8).map(|time| {
            let millis = time.iter().fold(0, |millis, byte| millis << 8 | u64::from(*byte));
            Timestamp::from_millis(millis)
        });
        let mut next = || times.next().unwrap_or_default();
        Ok(Self { stopped_at: next(), machine: next() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_note_comes_back_and_damaged_ones_are_refused() {
        let note = Note { stopped_at: at(1_000), machine: at(u64::MAX) };
        let bytes = note.to_bytes();
        assert_eq!(Note::from_bytes(&bytes).unwrap(), note);
        assert!(Note::from_bytes(&bytes[1..]).is_err());
        assert!(Note::from_bytes(&bytes[..16]).is_err());
        assert!(Note::from_bytes(&[]).is_err());
    }

    #[test]
    fn time_goes_on_from_the_stop_however_wrong_the_machine_was() {
        let note = Note { stopped_at: at(5_000), machine: at(900_000) };
        assert_eq!(Note::resume_at(Some(&note), at(900_007)), at(5_007));
        assert_eq!(Note::resume_at(Some(&note), at(1)), at(5_000), "never backward");
        assert_eq!(Note::resume_at(None, at(77)), at(77));
    }
}
