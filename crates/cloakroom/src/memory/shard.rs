use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use cloakroom_core::{EndReason, Ended, Handle, Principal, Select, Sweep, Timestamp};
use lru::LruCache;

use super::held::Held;

/// How long an expired session is kept for a sweep to hand out.
const HAND_OUT: Duration = Duration::from_secs(5 * 60);

/// A share of the sessions, under one lock.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) sessions: LruCache<Handle, Held>,
    /// Those whose attributes are on disk. A session is in one of the two.
    pub(super) away: HashMap<Handle, Box<Held>>,
    /// Each session once, under a moment that is not later than its deadline.
    pub(super) deadlines: BTreeSet<(Timestamp, Handle)>,
    pub(super) cost: u64,
    bounds: Bounds,
}

/// How much a shard holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) sessions: usize,
    pub(crate) bytes: u64,
}

/// A session that has left memory, as far as the index needs it.
pub(super) type Left = (Handle, Option<Principal>);

impl Shard {
    pub(super) fn new(bounds: Bounds) -> Self {
        let (sessions, away) = (LruCache::unbounded(), HashMap::new());
        Self { sessions, away, deadlines: BTreeSet::new(), cost: 0, bounds }
    }

    pub(super) fn peek_mut(&mut self, handle: &Handle) -> Option<&mut Held> {
        self.sessions.peek_mut(handle)
    }

    /// Makes a session the most recently used: only for a ticket that opens it.
    pub(super) fn used(&mut self, handle: &Handle) {
        self.sessions.promote(handle);
    }

    pub(super) fn peek(&self, handle: &Handle) -> Option<&Held> {
        self.sessions.peek(handle).or_else(|| self.away.get(handle).map(|held| &**held))
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.len() + self.away.len()
    }

    pub(super) fn cost(&self) -> u64 {
        self.cost
    }

    pub(super) fn insert(&mut self, handle: Handle, held: Held) {
        self.cost += held.cost();
        self.deadlines.insert((held.queued, handle));
        self.sessions.push(handle, held);
    }

    /// Changes a session, and keeps its size and deadline in step. Gives `None` if there is none of this handle.
    pub(super) fn change<T>(&mut self, handle: &Handle, change: impl FnOnce(&mut Held) -> T) -> Option<T> {
        let held = self.sessions.peek_mut(handle)?;
        let before = held.cost();
        let changed = change(held);
        self.cost = self.cost - before + held.cost();
        let deadline = held.record.expires_at();
        if deadline < held.queued {
            self.deadlines.remove(&(held.queued, *handle));
            self.deadlines.insert((deadline, *handle));
            held.queued = deadline;
        }
        Some(changed)
    }

    pub(super) fn remove(&mut self, handle: &Handle) -> Option<Held> {
        let held = self.sessions.pop(handle).or_else(|| self.away.remove(handle).map(|held| *held))?;
        self.deadlines.remove(&(held.queued, *handle));
        self.cost -= held.weight();
        Some(held)
    }

    /// Ends a live session. An expired one is closed, and left for a sweep to hand out.
    pub(super) fn invalidate(&mut self, handle: Handle, now: Timestamp) -> Option<Ended> {
        let held = self.either_mut(&handle)?;
        if held.is_closed() || !held.record.is_live(now) {
            held.leased_until.get_or_insert_default();
            return None;
        }
        let held = self.remove(&handle)?;
        Some(held.ended(handle, EndReason::Invalidated, now, &Select::default()))
    }

    /// Drops what expired long ago and, while the shard is over its bounds, what has expired and then the least recently
    /// used.
    pub(super) fn make_room(&mut self, now: Timestamp) -> Vec<Left> {
        let mut left = Vec::new();
        // Two for each commit: the backlog shrinks, and none pays for much of it.
        for _ in 0..2 {
            let Some(handle) = self.due(now.minus(HAND_OUT)) else { break };
            left.extend(self.leave(handle));
        }
        while self.sessions.len() > self.bounds.sessions || self.cost > self.bounds.bytes {
            let expired = self.due(now);
            let Some(handle) = expired.or_else(|| self.sessions.peek_lru().map(|(handle, _)| *handle)) else {
                break;
            };
            if expired.is_none() {
                tracing::debug!(session.handle = %handle, "the memory store is full: dropping the least recently used session");
            }
            left.extend(self.leave(handle));
        }
        left
    }

    pub(super) fn leave(&mut self, handle: Handle) -> Option<Left> {
        self.remove(&handle).map(|held| (handle, held.record.principal))
    }

    /// Hands out expired sessions until `sweep.limit` are in `ended`.
    pub(super) fn sweep(&mut self, sweep: &Sweep, now: Timestamp, ended: &mut Vec<Ended>) {
        while ended.len() < sweep.limit as usize {
            let Some(handle) = self.due(now) else { return };
            ended.extend(self.hand_out(handle, sweep, now));
        }
    }

    pub(super) fn hand_out(&mut self, handle: Handle, sweep: &Sweep, now: Timestamp) -> Option<Ended> {
        let held = self.peek(&handle)?;
        let ended = held.ended(handle, held.record.end_reason(), now, &sweep.select);
        match sweep.lease {
            None => drop(self.remove(&handle)),
            Some(lease) => self.lease(handle, now.plus(lease)),
        }
        Some(ended)
    }

    pub(super) fn lease(&mut self, handle: Handle, until: Timestamp) {
        if let Some(held) = self.either_mut(&handle) {
            held.leased_until = Some(until);
            self.requeue(handle, until);
        }
    }

    /// Returns a session that had expired by `now` and is not leased. Puts those that were accessed since they were
    /// queued in their new places.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<Handle> {
        loop {
            let &(_, handle) = self.deadlines.first().filter(|(queued, _)| *queued <= now)?;
            let deadline = self.peek(&handle)?.due_at();
            if deadline <= now {
                return Some(handle);
            }
            self.requeue(handle, deadline);
        }
    }

    fn requeue(&mut self, handle: Handle, to: Timestamp) {
        if let Some(held) = self.either_mut(&handle) {
            let queued = std::mem::replace(&mut held.queued, to);
            self.deadlines.remove(&(queued, handle));
            self.deadlines.insert((to, handle));
        }
    }

    fn either_mut(&mut self, handle: &Handle) -> Option<&mut Held> {
        self.sessions.peek_mut(handle).or_else(|| self.away.get_mut(handle).map(|held| &mut **held))
    }

    pub(super) fn acknowledge(&mut self, handle: &Handle, now: Timestamp) -> Option<Left> {
        let expired = self.peek(handle).is_some_and(|held| !held.record.is_live(now));
        if expired { self.leave(*handle) } else { None }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.bounds);
    }
}
