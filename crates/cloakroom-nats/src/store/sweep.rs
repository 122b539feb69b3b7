use std::sync::atomic::Ordering;

use cloakroom_core::{Ended, Error, ErrorKind, Handle, StoredAttribute, Sweep, Timestamp};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::current::Current;
use super::end::{AT_ONCE, ended};
use super::later::SETTLED;
use super::{NatsStore, at};
use crate::error::Failure;
use crate::jet::Message;
use crate::pauses::Pauses;
use crate::subjects::{Kept, handle_of_part};
use crate::wire::{Due, Manifest, Place};

const SWEEP: &str = "sweep";
const ACKNOWLEDGE: &str = "acknowledge";

/// How many notes of sessions that may have expired a sweep looks at, at most.
const LOOKS: usize = 10_000;

/// How many parts of values a sweep looks at, whether they are somebody's.
const PARTS: usize = 32;

impl NatsStore {
    pub(super) async fn hand_out(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        let mut found = Vec::new();
        let lines = self.jet.subjects(Kept::Due, &self.subjects.lines()).await.map_err(at(SWEEP))?;
        for line in lines {
            if let Err(error) = self.hand_out_line(sweep, &line, &mut found).await {
                if found.is_empty() {
                    return Err(error);
                }
                tracing::warn!(%error, "a sweep was cut short");
                return Ok(found);
            }
        }
        if let Err(failure) = self.remove_lost_parts().await {
            tracing::debug!(error = %failure, "lost values could not be looked for");
        }
        Ok(found)
    }

    /// Hands out those of a line that have expired, from its head on.
    async fn hand_out_line(&self, sweep: &Sweep, line: &str, found: &mut Vec<Ended>) -> Result<(), Error> {
        let (mut from, mut looks) = (0, 0);
        while found.len() < sweep.limit as usize && looks < LOOKS {
            let room = AT_ONCE.min(sweep.limit as usize - found.len());
            let now = self.clock.now(&self.jet).await.map_err(at(SWEEP))?;
            let due = self.due(line, &mut from, room, now).await.map_err(at(SWEEP))?;
            if due.is_empty() {
                return Ok(());
            }
            looks += due.len();
            let settled = due.into_iter().map(|(sequence, due)| self.settle(sweep, sequence, due));
            let settled: Vec<_> = stream::iter(settled).buffer_unordered(AT_ONCE).collect().await;
            // What was claimed is to be told, whatever became of the others.
            let (settled, failed): (Vec<_>, Vec<_>) = settled.into_iter().partition(Result::is_ok);
            found.extend(settled.into_iter().flatten().flatten());
            failed.into_iter().collect::<Result<Vec<_>, _>>()?;
        }
        Ok(())
    }

    /// Reads notes from the head of a line that are due.
    async fn due(
        &self,
        line: &str,
        from: &mut u64,
        room: usize,
        now: Timestamp,
    ) -> Result<Vec<(u64, Due)>, Failure> {
        let mut notes = Vec::new();
        while notes.len() < room {
            let Some(message) = self.jet.next(Kept::Due, line, *from).await? else { break };
            match Due::decode(message.body) {
                Ok(due) if due.at > now => break,
                Ok(due) => notes.push((message.sequence, due)),
                Err(damaged) => {
                    tracing::warn!(error = %damaged, "a note that cannot be read was left where it is");
                }
            }
            *from = message.sequence + 1;
        }
        Ok(notes)
    }

    /// Looks at a session that may have expired, and notes when to look again.
    async fn settle(&self, sweep: &Sweep, note: u64, due: Due) -> Result<Option<Ended>, Error> {
        let handle = due.handle;
        let current = match self.current(SWEEP, handle).await {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                tracing::warn!(%handle, %error, "a session that cannot be read was left where it is");
                let again = self.clock.now(&self.jet).await.map_err(at(SWEEP))?.plus(SETTLED * 60);
                self.look_again(note, handle, Some(again)).await?;
                return Ok(None);
            }
            result => result?,
        };
        let Some(manifest) = &current.manifest else {
            let again = self.remove_rest(handle, &current).await.map_err(at(SWEEP))?;
            self.look_again(note, handle, again).await?;
            return Ok(None);
        };
        let until = manifest.leased_until.max(Some(manifest.record.expires_at())).unwrap_or_default();
        if current.now < until {
            self.look_again(note, handle, Some(until)).await?;
            return Ok(None);
        }
        let Some((ended, again)) = self.claim(sweep, handle, &current, manifest).await? else {
            return Ok(None);
        };
        if let Err(error) = self.look_again(note, handle, Some(again)).await {
            tracing::warn!(%handle, %error, "the next sweep looks at this session again");
        }
        Ok(Some(ended))
    }

    /// Reads the values that are to be handed out. Where one is lost or damaged there are none: the session is at its end all the
    /// same. (If one is not there because the session has changed, it cannot be claimed as it was read.)
    async fn values_left(
        &self,
        sweep: &Sweep,
        handle: Handle,
        manifest: &Manifest,
    ) -> Result<Vec<StoredAttribute>, Error> {
        let end = manifest.record.expires_at();
        match self.values(SWEEP, handle, manifest, &sweep.select, end).await {
            Ok(Some(values)) => return Ok(values),
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::Corrupt => {}
            Err(error) => return Err(error),
        }
        tracing::warn!(%handle, "a session is handed out without its values: not all of them are there");
        Ok(Vec::new())
    }

    /// Claims a session that has expired; `None` where somebody else has changed it.
    async fn claim(
        &self,
        sweep: &Sweep,
        handle: Handle,
        current: &Current,
        manifest: &Manifest,
    ) -> Result<Option<(Ended, Timestamp)>, Error> {
        let now = current.now;
        let values = self.values_left(sweep, handle, manifest).await?;
        let ended = ended(handle, manifest, manifest.record.end_reason(), now, values);
        let Some(lease) = sweep.lease else {
            let is_ours = self.bury(SWEEP, handle, current).await?;
            return Ok(is_ours.then(|| (ended, now.plus(SETTLED))));
        };
        let until = now.plus(lease);
        let is_ours = self.close(SWEEP, handle, current, until).await?;
        Ok(is_ours.then_some((ended, until)))
    }

    /// Removes what a session has left, once nothing can be on its way to it; otherwise returns when to try again.
    async fn remove_rest(&self, handle: Handle, current: &Current) -> Result<Option<Timestamp>, Failure> {
        let Some(last) = &current.last else { return Ok(None) };
        let settled = last.stored_at.plus(SETTLED);
        if current.now < settled {
            return Ok(Some(settled));
        }
        self.remove_parts_later(handle, last.left.clone());
        self.jet.remove(Kept::Sessions, last.sequence).await?;
        Ok(None)
    }

    /// Replaces a note by one for later. However many sweeps do it, there is one.
    async fn look_again(&self, note: u64, handle: Handle, again: Option<Timestamp>) -> Result<(), Error> {
        if let Some(at) = again {
            let due = Due { handle, at };
            let now = self.clock.now(&self.jet).await.map_err(super::at(SWEEP))?;
            let (subject, id) = (self.subjects.line(due.line(now)), format!("{handle}/{note}"));
            self.jet.store_once(&subject, &id, due.encode().into()).await.map_err(super::at(SWEEP))?;
        }
        self.jet.remove(Kept::Due, note).await.map_err(at(SWEEP))
    }

    pub(super) async fn remove_expired(&self, handles: &[Handle]) -> Result<(), Error> {
        let removals = handles.iter().copied().map(|handle| self.remove_one_expired(handle));
        stream::iter(removals).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn remove_one_expired(&self, handle: Handle) -> Result<(), Error> {
        let mut pauses = Pauses::default();
        loop {
            let current = self.current(ACKNOWLEDGE, handle).await?;
            let is_expired = |it: &Manifest| !it.record.is_live(current.now);
            if !current.manifest.as_deref().is_some_and(is_expired) {
                return Ok(());
            }
            if self.bury(ACKNOWLEDGE, handle, &current).await? {
                return Ok(());
            }
            pauses.pause().await;
        }
    }

    /// Removes values of commits that were broken off before their session was stored. Each sweep looks at a few, and the first one
    /// of a process begins anywhere: else many processes that do not live for long would look at the same ones.
    async fn remove_lost_parts(&self) -> Result<(), Error> {
        let filter = self.subjects.parts();
        if self.looked_at.load(Ordering::Relaxed) == 0 {
            let last = self.jet.last_sequence(Kept::Values).await.map_err(at(SWEEP))?;
            let chance = getrandom::u64().unwrap_or_default();
            self.looked_at.store(1 + chance % last.max(1), Ordering::Relaxed);
        }
        for _ in 0..PARTS {
            let from = self.looked_at.load(Ordering::Relaxed);
            let Some(part) = self.jet.next(Kept::Values, &filter, from).await.map_err(at(SWEEP))? else {
                self.looked_at.store(1, Ordering::Relaxed);
                return Ok(());
            };
            let next = part.sequence + 1;
            if self.is_lost(&part).await? {
                self.remove_later(Kept::Values, vec![(part.subject, part.sequence)]);
            }
            self.looked_at.store(next, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn is_lost(&self, part: &Message) -> Result<bool, Error> {
        let Some(handle) = handle_of_part(&part.subject) else { return Ok(false) };
        let current = match self.current(SWEEP, handle).await {
            Err(error) if error.kind() == ErrorKind::Corrupt => return Ok(false),
            result => result?,
        };
        let is_settled = part.stored_at.plus(SETTLED) < current.now;
        let is_it =
            |it: Place| it.sequence == part.sequence && self.subjects.part(handle, &it) == part.subject;
        let is_named = |it: &Manifest| it.places().any(is_it);
        Ok(is_settled && !current.manifest.as_deref().is_some_and(is_named))
    }
}
