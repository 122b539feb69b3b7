use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom_core::{Clock, Commit, Error, ErrorKind, Handle, Store, Timestamp};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

use super::account::{Account, Lanes};
use super::batch::bytes_of;
use super::builder::Settings;
use super::lane::Lane;
use super::state::{Decision, Lost, State};
use crate::error::Chain;
use crate::telemetry;

/// How many sessions are written at a time.
const AT_A_TIME: usize = 32;

/// How many writes one session may need before nothing of it is held back: what has got no answer yet and what has gathered
/// since, and for each the one that stands in its place where the store refuses it.
const WRITES: usize = 4;

/// What all handles of a store with timed writes share with its background task.
#[derive(Debug)]
pub(super) struct Shared<S> {
    pub(super) store: S,
    pub(super) settings: Settings,
    pub(super) clock: Arc<dyn Clock>,
    lanes: Mutex<Lanes>,
    account: Mutex<Account>,
    /// The background task has something to look at.
    pub(super) wake: Notify,
    pub(super) writer: Mutex<Option<JoinHandle<()>>>,
    /// The last handle is gone.
    pub(super) closed: AtomicBool,
    /// A bound is reached: what is held back is to be written before its time.
    pub(super) hurry: AtomicBool,
    /// The last write has failed.
    pub(super) failing: AtomicBool,
    pub(super) permits: Arc<Semaphore>,
    chance: RandomState,
}

impl<S: Store> Shared<S> {
    pub(super) fn new(store: S, settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            settings,
            clock,
            lanes: Mutex::default(),
            account: Mutex::default(),
            wake: Notify::new(),
            writer: Mutex::default(),
            closed: AtomicBool::new(false),
            hurry: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            permits: Arc::new(Semaphore::new(AT_A_TIME)),
            chance: RandomState::new(),
        }
    }

    /// Returns the lane of a session.
    pub(super) fn lane(&self, handle: Handle) -> Arc<Lane> {
        self.lanes().of(handle, self.clock.now())
    }

    pub(super) fn find(&self, handle: Handle) -> Option<Arc<Lane>> {
        self.lanes().find(handle)
    }

    pub(super) fn every_lane(&self) -> Vec<Arc<Lane>> {
        self.lanes().iter().cloned().collect()
    }

    /// Holds a commit back, if it can be.
    pub(super) fn take(&self, lane: &Lane, commit: &Commit) -> Decision {
        let now = self.clock.now();
        let mut state = lane.state();
        let delay = self.settings.every.min(state.longest_delay());
        let mut account = self.account();
        let max = [self.settings.max_sessions, self.settings.max_bytes];
        let has_room = account.has_room(&state, bytes_of(commit), max);
        let decision = state.take(commit, now, has_room.then_some(2 * delay));
        account.update(lane.handle, &mut state);
        if matches!(decision, Decision::Held(_)) && state.due.is_none() {
            let delay = self.jittered(lane.handle, delay, now);
            account.schedule(lane.handle, &mut state, now.plus(delay));
            self.wake.notify_one();
        }
        if !has_room && !self.hurry.swap(true, Ordering::Relaxed) {
            self.wake.notify_one();
        }
        decision
    }

    /// Returns between half and the whole of a delay.
    fn jittered(&self, handle: Handle, delay: Duration, now: Timestamp) -> Duration {
        let chance = self.chance.hash_one((handle, now)) % 1000;
        delay.mul_f64(0.5 + 0.5 * chance as f64 / 1000.0)
    }

    /// Writes what a session has held back: all of it, or what was held back when it began. The caller has the lane's turn
    /// alone. Returns what was lost.
    ///
    /// # Errors
    ///
    /// When the store fails. Then it is still held back.
    pub(super) async fn settle(&self, lane: &Lane, extent: Extent) -> Result<Option<Lost>, Error> {
        let (mut lost, began) = (None, self.clock.now());
        for _ in 0..WRITES {
            let asked = self.clock.now();
            let Some(commit) = lane.state().next_write(asked) else { break };
            let outcome = self.store.commit(&commit).await?;
            self.goes_well();
            let mut state = lane.state();
            let told = state.written(&commit, &outcome, asked)?;
            self.account().update(lane.handle, &mut state);
            if let Some(told) = told {
                tell(lane.handle, told);
                lost = Some(told);
            }
            let is_later = state.held().is_some_and(|(first, _)| first > began);
            if extent == Extent::Due && is_later {
                break;
            }
        }
        Ok(lost)
    }

    /// Writes what a session has held back when it is its turn.
    ///
    /// # Errors
    ///
    /// When the store fails, or takes longer than a write may. Then it is tried again later.
    pub(super) async fn write(&self, lane: &Lane, extent: Extent) -> Result<(), Error> {
        let _again = Again { shared: self, lane };
        let work = async {
            let _turn = lane.turn.write().await;
            self.settle(lane, extent).await
        };
        let written = tokio::time::timeout(self.settings.write_timeout, work).await;
        match written.unwrap_or_else(|_| Err(Error::of(ErrorKind::Timeout, "write"))) {
            Ok(_) => {
                lane.state().failures = 0;
                Ok(())
            }
            Err(error) => {
                self.failed(lane, &error);
                Err(error)
            }
        }
    }

    /// Takes note that the store answers, whoever asked: a request that could not wait, or a write in the background.
    fn goes_well(&self) {
        if self.failing.swap(false, Ordering::Relaxed) {
            tracing::info!("sessions held back are being written again");
        }
    }

    fn failed(&self, lane: &Lane, error: &Error) {
        let held_back = self.account().sessions();
        if self.failing.swap(true, Ordering::Relaxed) {
            tracing::debug!(session.handle = %lane.handle, error = %Chain(error), "cannot write a session held back");
        } else {
            tracing::warn!(error = %Chain(error), held_back, "cannot write sessions held back; trying again");
        }
        let mut state = lane.state();
        state.failures = state.failures.saturating_add(1);
        if state.held().is_some() && state.is_over(self.clock.now()) {
            self.give_up(lane, &mut state, "expired");
            // Another node may have kept the session.
            state.lost = true;
        }
    }

    /// Drops what is held back of a session, and says so.
    pub(super) fn give_up(&self, lane: &Lane, state: &mut State, reason: &'static str) {
        let lost = state.give_up(reason);
        self.account().update(lane.handle, state);
        if let Some(lost) = lost {
            tell(lane.handle, lost);
        }
    }

    /// Writes what these sessions have held back, many at a time.
    ///
    /// # Errors
    ///
    /// When the store fails for one of them; the others are written all the same, unless it is away.
    pub(super) async fn write_all(self: &Arc<Self>, lanes: Vec<Arc<Lane>>) -> Result<(), Error> {
        let mut writes = JoinSet::new();
        for lane in lanes {
            let shared = Arc::clone(self);
            writes.spawn(async move {
                let _permit = shared.permits.acquire().await;
                shared.write(&lane, Extent::All).await
            });
        }
        let (mut first, mut unanswered) = (Ok(()), 0);
        while let Some(written) = writes.join_next().await {
            let written = written.unwrap_or_else(|panic| Err(Error::new(ErrorKind::Other, "write", panic)));
            unanswered += usize::from(written.as_ref().is_err_and(is_away));
            first = first.and(written);
            if unanswered >= AT_A_TIME {
                // The others would wait as long, one after another, for nothing.
                break;
            }
        }
        first
    }

    /// Returns the lanes with something held back of which this is true.
    pub(super) fn held(&self, which: impl Fn(Handle, &State) -> bool) -> Vec<Arc<Lane>> {
        let handles = self.account().handles();
        let lanes = handles.into_iter().filter_map(|handle| self.find(handle));
        lanes.filter(|lane| which(lane.handle, &lane.state())).collect()
    }

    /// Returns the lanes of which this is true.
    pub(super) fn lanes_that(&self, which: impl Fn(&State) -> bool) -> Vec<Arc<Lane>> {
        self.every_lane().into_iter().filter(|lane| which(&lane.state())).collect()
    }

    /// Takes a session whose time has come out of the schedule. Returns how long to wait where there is none.
    pub(super) fn next_due(&self) -> Result<Arc<Lane>, Option<Duration>> {
        let now = self.clock.now();
        let due = self.account().next_due();
        let Some((at, handle)) = due else {
            self.hurry.store(false, Ordering::Relaxed);
            return Err(None);
        };
        let hurry = self.hurry.load(Ordering::Relaxed) && !self.failing.load(Ordering::Relaxed);
        if at > now && !hurry {
            return Err(Some(at.since(now)));
        }
        let lane = self.lane(handle);
        let mut state = lane.state();
        self.account().taken((at, handle), &mut state);
        drop(state);
        Ok(lane)
    }

    /// Forgets what is known of sessions that may have ended, and has what they hold back written soon: if they have, that is
    /// refused.
    pub(super) fn forget<'a>(&self, lanes: impl IntoIterator<Item = &'a Arc<Lane>>) {
        let now = self.clock.now();
        for lane in lanes {
            let mut state = lane.state();
            state.forget();
            if state.held().is_some() {
                self.account().schedule(lane.handle, &mut state, now);
            }
        }
        self.wake.notify_one();
    }

    pub(super) fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much of what is held back is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    All,
    /// What was held back when the write began.
    Due,
}

fn is_away(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout)
}

fn tell(handle: Handle, Lost { reason, commits }: Lost) {
    telemetry::held_back_lost(reason, commits);
    tracing::warn!(session.handle = %handle, reason, commits, "session changes that were held back are lost");
}

/// Has a session written again that still has something held back when this is dropped, after a panic too.
struct Again<'a, S: Store> {
    shared: &'a Shared<S>,
    lane: &'a Lane,
}

impl<S: Store> Drop for Again<'_, S> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(session.handle = %self.lane.handle, "a write of a session held back panicked; trying again");
        }
        let mut state = self.lane.state();
        if state.held().is_none() || state.due.is_some() {
            return;
        }
        let pause = Duration::from_millis(100) * (1 << state.failures.min(7));
        let at = self.shared.clock.now().plus(pause);
        self.shared.account().schedule(self.lane.handle, &mut state, at);
        self.shared.wake.notify_one();
    }
}
