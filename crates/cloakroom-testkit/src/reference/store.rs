use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom_core::{
    About, Clock, Commit, Ended, Error, Feed, Handle, Intent, Invalidate, Invalidated, Load, Loaded, Outcome,
    Principal, SessionInfo, Store, Sweep, SystemClock, Timestamp,
};

use super::rules::{self, Sessions};

/// A store in an afternoon: one map behind one lock, and the rules of [`Record`](cloakroom_core::Record).
///
/// Read its source before you write a store: some 300 lines in `src/reference`. It has everything that a store must have
/// and nothing more: no bound on its memory and no index, so that a sweep or a look-up by principal reads every session.
///
/// What makes it correct is little:
///
/// - Each operation takes the lock once, so it is one step for everybody else. It asks the clock once, after that.
/// - [`Record::admit`](cloakroom_core::Record::admit) says whether a load or an invalidation may go on, and
///   [`Record::apply`](cloakroom_core::Record::apply) decides on a commit. Both judge the ticket and the expiry.
/// - A commit changes a copy of the record, which is put in place when nothing can be refused any more.
///
/// Clones share their data, as nodes share a backend.
///
/// ```
/// use cloakroom_testkit::{ManualClock, ReferenceStore};
///
/// let clock = ManualClock::default();
/// let store = ReferenceStore::new(clock.clone());
/// let second_node = store.clone();
/// let apart = store.in_namespace("another");
/// # let _ = (second_node, apart);
/// ```
#[derive(Clone, Debug)]
pub struct ReferenceStore {
    namespace: Arc<str>,
    clock: Arc<dyn Clock>,
    namespaces: Arc<Mutex<HashMap<Arc<str>, Sessions>>>,
}

impl ReferenceStore {
    /// Makes an empty store that reads the time from `clock`.
    pub fn new(clock: impl Clock) -> Self {
        Self { namespace: "default".into(), clock: Arc::new(clock), namespaces: Arc::default() }
    }

    /// Returns the store of another namespace among the same data.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        let mut other = self.clone();
        other.namespace = namespace.into();
        other
    }

    /// Returns the same store, as a node with another clock would have it.
    #[must_use]
    pub fn with_clock(&self, clock: impl Clock) -> Self {
        let mut other = self.clone();
        other.clock = Arc::new(clock);
        other
    }

    /// Does one operation as one step, at one moment.
    fn step<T>(&self, operation: impl FnOnce(&mut Sessions, Timestamp) -> T) -> T {
        let mut namespaces = self.namespaces.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = namespaces.entry(Arc::clone(&self.namespace)).or_default();
        operation(sessions, self.clock.now())
    }
}

impl Default for ReferenceStore {
    fn default() -> Self {
        Self::new(SystemClock)
    }
}

impl Store for ReferenceStore {
    fn about(&self) -> About {
        About { backend: "reference", namespace: Arc::clone(&self.namespace) }
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        Ok(self.step(|sessions, now| rules::load(sessions, load, now)))
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        Ok(self.step(|sessions, now| match &commit.intent {
            Intent::Create(creation) => rules::create(sessions, commit, creation, now),
            Intent::Change => rules::change(sessions, commit, now),
        }))
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        Ok(self.step(|sessions, now| rules::invalidate(sessions, invalidate, now)))
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        Ok(self.step(|sessions, now| rules::sessions_of(sessions, principal, now)))
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        Ok(self.step(|sessions, now| rules::sweep(sessions, sweep, now)))
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        self.step(|sessions, now| {
            sessions.retain(|handle, kept| kept.record.is_live(now) || !handles.contains(handle));
        });
        Ok(())
    }

    async fn ping(&self) -> Result<(), Error> {
        Ok(())
    }

    fn feed(&self) -> Option<Feed> {
        None
    }
}
