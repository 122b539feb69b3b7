use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cloakroom_core::{Handle, Timestamp};

use super::held::Held;
use crate::jet::Message;
use crate::wire::{Body, Manifest, Place};

/// How long after its end an expired session stays.
const LATE: Duration = Duration::from_secs(60);

/// How often it is looked for what nobody needs any more.
const TIDY: Duration = Duration::from_secs(10);

/// From where something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The stream says so.
    Stream,
    /// This node has stored it, or read it from the server, and the stream has not said so yet.
    Own,
}

/// All sessions, as far as they were heard of from one stream.
#[derive(Debug, Default)]
pub(crate) struct Replica(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<Handle, Held>,
    bytes: usize,
    /// The last message that was heard, and when the server stored it.
    heard: u64,
    heard_at: Timestamp,
    /// Sessions that were born before have ended.
    epoch: u64,
    /// Everything that was acknowledged before was heard.
    caught_up: Option<Instant>,
    /// Something that this node has stored before is not in here.
    not_before: Option<Instant>,
    tidied: Option<Instant>,
}

/// A session as it is in memory.
#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) message: Message,
    pub(crate) epoch: u64,
    pub(crate) values: Vec<(Place, Option<Bytes>)>,
}

impl Replica {
    /// Takes note of a session's message unless a later one is known, and returns which values are not here.
    pub(crate) fn put(&self, handle: Handle, message: &Message, source: Source) -> Vec<Place> {
        if self.state().is_known(handle, message.sequence, source) {
            return Vec::new();
        }
        let manifest = match Body::decode(message.body.clone(), message.sequence) {
            Ok(Body::Session(manifest)) => Some(manifest),
            // Whoever asks for what cannot be read hears that from the server.
            Ok(Body::Ended) | Err(_) => None,
        };
        self.state().put(handle, message, manifest.as_deref(), source)
    }

    /// Takes note of a session's last message and of everybody's end as this node has read them: what it was told once, it is not
    /// told otherwise later.
    pub(crate) fn was_read(&self, handle: Handle, message: Option<&Message>, epoch: Option<u64>) {
        if let Some(sequence) = epoch {
            self.end_before(sequence);
        }
        if let Some(message) = message {
            self.put(handle, message, Source::Own);
        }
    }

    /// Ends all sessions that were born before this message.
    pub(crate) fn end_before(&self, sequence: u64) {
        let mut state = self.state();
        if sequence > state.epoch {
            state.epoch = sequence;
            state.retain(|held| held.born >= sequence);
        }
    }

    /// Takes note that everything up to this message was heard.
    pub(crate) fn reached(&self, sequence: u64, stored_at: Timestamp) {
        let mut state = self.state();
        state.heard = state.heard.max(sequence);
        state.heard_at = state.heard_at.max(stored_at);
    }

    /// Takes note that everything was heard that was acknowledged before this moment.
    pub(crate) fn caught_up(&self, moment: Instant) {
        let mut state = self.state();
        state.caught_up = state.caught_up.max(Some(moment));
        if state.tidied.is_none_or(|at| at.elapsed() >= TIDY) {
            state.tidied = Some(Instant::now());
            state.tidy();
        }
    }

    /// Takes note that this node has stored something that is not in here yet.
    pub(crate) fn missed(&self) {
        self.state().not_before = Some(Instant::now());
    }

    /// Takes a value in, if its session still needs it.
    pub(crate) fn hold(&self, handle: Handle, place: &Place, value: &Bytes) {
        let mut state = self.state();
        let Some(held) = state.sessions.get_mut(&handle) else { return };
        state.bytes += held.take(place, value);
    }

    /// Returns whether a session needs a value that is not here.
    pub(crate) fn wants(&self, handle: Handle, place: &Place) -> bool {
        let state = self.state();
        state.sessions.get(&handle).is_some_and(|held| held.wants(place))
    }

    /// Returns a session, if nothing was changed since that was acknowledged longer ago than `bound`.
    pub(crate) fn copy(&self, handle: Handle, bound: Duration) -> Option<Copy> {
        let state = self.state();
        state.age().filter(|age| *age <= bound)?;
        let held = state.sessions.get(&handle)?;
        let message = held.message()?;
        Some(Copy { message, epoch: state.epoch, values: held.values.clone() })
    }

    /// Returns how many sessions there are, how many bytes they take, and since when something may be missing.
    pub(crate) fn measure(&self) -> (usize, usize, Option<Duration>) {
        let state = self.state();
        (state.sessions.len(), state.bytes, state.age())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(
        &mut self,
        handle: Handle,
        message: &Message,
        manifest: Option<&Manifest>,
        source: Source,
    ) -> Vec<Place> {
        if self.is_known(handle, message.sequence, source) {
            return Vec::new();
        }
        let before = self.sessions.remove(&handle);
        self.bytes -= before.as_ref().map_or(0, Held::bytes);
        let manifest = manifest.filter(|it| it.born >= self.epoch);
        // The stream may be about to tell an older state of what this node has ended.
        if manifest.is_none() && source == Source::Stream {
            return Vec::new();
        }
        let held = Held::new(message, manifest, source, before);
        let missing = held.missing();
        self.bytes += held.bytes();
        self.sessions.insert(handle, held);
        missing
    }

    /// Returns whether this message or a later one of the session is known.
    fn is_known(&self, handle: Handle, sequence: u64, source: Source) -> bool {
        let is_own = source == Source::Own;
        let known = self.sessions.get(&handle).map(|held| held.sequence);
        (is_own && sequence <= self.heard)
            || known.is_some_and(|known| known > sequence || (is_own && known == sequence))
    }

    /// Drops what has long expired, and what the stream never told.
    fn tidy(&mut self) {
        let (heard, late) = (self.heard, self.heard_at.minus(LATE));
        self.retain(|held| {
            let is_coming = held.source == Source::Own && held.sequence > heard;
            is_coming || (held.source == Source::Stream && held.expires_at > late)
        });
        if self.sessions.capacity() / 4 > self.sessions.len() {
            self.sessions.shrink_to_fit();
        }
    }

    fn retain(&mut self, is_kept: impl Fn(&Held) -> bool) {
        let mut bytes = self.bytes;
        self.sessions.retain(|_, held| {
            let is_kept = is_kept(held);
            bytes -= if is_kept { 0 } else { held.bytes() };
            is_kept
        });
        self.bytes = bytes;
    }

    /// Returns for how long something may be missing; `None`: it is not whole.
    fn age(&self) -> Option<Duration> {
        let moment =
            self.caught_up.filter(|moment| self.not_before.is_none_or(|before| *moment >= before))?;
        Some(moment.elapsed())
    }
}

#[cfg(test)]
mod tests;
