use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cloakroom_core::{
    Clock, Freshness, Guard, Handle, Invalidate, Load, Loaded, Notice, Timestamp, Touch, Version,
};

use super::cache::{Begun, Cache, Hit};

/// The cache of a node, as all who use it share it.
pub(super) struct Held {
    cache: Mutex<Cache>,
    clock: Arc<dyn Clock>,
}

impl Held {
    pub(super) fn new(max_bytes: usize, max_staleness: Duration, clock: Option<Arc<dyn Clock>>) -> Self {
        let clock = clock.unwrap_or_else(|| Arc::new(Since(Instant::now())));
        Self { cache: Mutex::new(Cache::new(max_bytes, max_staleness)), clock }
    }

    pub(super) fn look(&self, load: &Load) -> Option<Hit> {
        self.lock().look(load, self.clock.now())
    }

    /// Begins a load whose answer is to be kept, if it can be.
    pub(super) fn begin(&self, load: &Load) -> Loading<'_> {
        let begun = self.lock().begin(load.guard.handle, self.clock.now());
        let freshness = if begun.is_some() { Freshness::Latest } else { load.freshness };
        Loading { held: self, load: Load { freshness, ..load.clone() }, begun }
    }

    /// Drops what is known of a session that is about to change, and again when the change is over.
    pub(super) fn change(&self, handle: Handle) -> Changing<'_> {
        self.lock().forget(handle);
        Changing { held: self, what: What::Session(handle) }
    }

    /// The same for sessions that are about to end.
    pub(super) fn end<'a>(&'a self, invalidate: &'a Invalidate) -> Changing<'a> {
        let what = match invalidate {
            Invalidate::Ticket(guard) => What::Session(guard.handle),
            Invalidate::Handle { handle, .. } => What::Session(*handle),
            Invalidate::Principal { .. } | Invalidate::Everyone => What::Many(invalidate),
        };
        self.forget(&what);
        Changing { held: self, what }
    }

    pub(super) fn forget_one(&self, handle: Handle) {
        self.lock().forget(handle);
    }

    pub(super) fn recorded(
        &self,
        id: u64,
        guard: &Guard,
        touch: Touch,
        answer: Option<&Loaded>,
        here: Timestamp,
    ) {
        self.lock().recorded(id, guard, touch, answer, here);
    }

    pub(super) fn here(&self) -> Timestamp {
        self.clock.now()
    }

    /// Does what a feed tells.
    pub(super) fn told(&self, notice: Notice) {
        let mut cache = self.lock();
        match notice {
            Notice::Committed { handle, version } => cache.changed(handle, version),
            Notice::Ended { handle: Some(handle) } => cache.forget(handle),
            Notice::Ended { handle: None } => cache.forget_all("changed"),
            Notice::CaughtUp(at) => cache.caught_up(at),
        }
    }

    pub(super) fn feed_broke(&self) {
        self.lock().feed_broke();
    }

    pub(super) fn size(&self) -> (usize, usize) {
        let cache = self.lock();
        (cache.len(), cache.bytes())
    }

    fn forget(&self, what: &What<'_>) {
        let mut cache = self.lock();
        match what {
            What::Session(handle) => cache.forget(*handle),
            What::Many(Invalidate::Principal { principal, .. }) => cache.forget_those_of(principal),
            What::Many(_) => cache.forget_all("changed"),
            What::Nothing => {}
        }
    }

    /// Every change under this lock is whole before anything can panic, so a poisoned one is still good.
    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows no session.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sessions, bytes) = self.size();
        f.debug_struct("Held").field("sessions", &sessions).field("bytes", &bytes).finish_non_exhaustive()
    }
}

/// The time since it was made.
#[derive(Debug)]
struct Since(Instant);

impl Clock for Since {
    fn now(&self) -> Timestamp {
        Timestamp::default().plus(self.0.elapsed())
    }
}

/// A load that is under way.
pub(super) struct Loading<'a> {
    held: &'a Held,
    load: Load,
    begun: Option<Begun>,
}

impl Loading<'_> {
    /// Returns what the store is asked. What is kept must come from the source: what the feed has told before is told for no copy
    /// again.
    pub(super) fn asks(&self) -> &Load {
        &self.load
    }

    pub(super) fn over(mut self, answer: Option<&Loaded>) {
        self.finish(answer);
    }

    fn finish(&mut self, answer: Option<&Loaded>) {
        if let Some(begun) = self.begun.take() {
            self.held.lock().finish(begun, &self.load, answer);
        }
    }
}

/// One that nobody waits for any more.
impl Drop for Loading<'_> {
    fn drop(&mut self) {
        self.finish(None);
    }
}

/// A change that is under way. When it is over, however it ends, nothing from before it is left.
pub(super) struct Changing<'a> {
    held: &'a Held,
    what: What<'a>,
}

enum What<'a> {
    Session(Handle),
    Many(&'a Invalidate),
    Nothing,
}

impl Changing<'_> {
    /// Ends a commit that was applied. What was loaded of this version since is right.
    pub(super) fn committed(mut self, version: Version) {
        if let What::Session(handle) = self.what {
            self.what = What::Nothing;
            self.held.lock().changed(handle, version);
        }
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.held.forget(&self.what);
    }
}
