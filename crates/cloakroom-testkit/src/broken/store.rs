use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloakroom_core::{
    About, Clock, Commit, Ended, Error, Feed, Guard, Handle, Invalidate, Invalidated, Load, Loaded, Outcome,
    Principal, Proof, SessionInfo, Store, Sweep, Timestamp,
};
use tokio::sync::Semaphore;

use super::Flaw;
use crate::{ManualClock, ReferenceStore};

/// How wrong a clock is that a flaw goes by: one and a half units of [`BrokenHarness`](super::BrokenHarness).
const ERROR: Duration = Duration::from_secs(15);

/// A [`ReferenceStore`] with one [`Flaw`].
#[derive(Clone, Debug)]
pub struct BrokenStore {
    pub(super) flaw: Flaw,
    pub(super) clock: ManualClock,
    pub(super) right: ReferenceStore,
    /// The same data, seen by a clock that is slow.
    pub(super) slow: ReferenceStore,
    /// The same data, seen by a clock that is fast.
    pub(super) fast: ReferenceStore,
    pub(super) lock: Arc<Semaphore>,
    about: About,
    proofs: Arc<Mutex<HashMap<Handle, Proof>>>,
}

impl BrokenStore {
    /// Makes an empty store with this flaw that reads the time from `clock`.
    #[must_use]
    pub fn new(clock: ManualClock, flaw: Flaw) -> Self {
        let right = ReferenceStore::new(clock.clone());
        Self {
            flaw,
            slow: right.with_clock(WrongClock(clock.clone(), Timestamp::minus)),
            fast: right.with_clock(WrongClock(clock.clone(), Timestamp::plus)),
            clock,
            lock: Arc::new(Semaphore::new(1)),
            about: About { backend: "broken", ..right.about() },
            proofs: Arc::default(),
            right,
        }
    }

    /// Returns the store of another namespace among the same data.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        let mut other = self.clone();
        other.about.namespace = namespace.into();
        if self.flaw != Flaw::SharesNamespaces {
            other.right = self.right.in_namespace(namespace);
            other.slow = self.slow.in_namespace(namespace);
            other.fast = self.fast.in_namespace(namespace);
        }
        other
    }

    /// Remembers the current proof of a session.
    pub(super) fn remember(&self, handle: Handle, proof: Proof) {
        let mut proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        proofs.insert(handle, proof);
    }

    /// Returns the current proof of a session, if there ever was one.
    pub(super) fn proof(&self, handle: Handle) -> Option<Proof> {
        let proofs = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
        proofs.get(&handle).copied()
    }

    /// Returns what the flaw makes of a guard.
    pub(super) fn guard(&self, guard: Guard) -> Guard {
        match self.proof(guard.handle) {
            Some(proof) if self.flaw == Flaw::IgnoresTheGuard => Guard { proof, ..guard },
            _ => guard,
        }
    }

    async fn end(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        match (self.flaw, invalidate) {
            (Flaw::RevivesTheExpired, Invalidate::Ticket(guard)) if !self.is_open(*guard).await? => {
                Ok(Invalidated::Done(Vec::new()))
            }
            (_, Invalidate::Ticket(guard)) => {
                let guard = self.guard(*guard);
                self.right.invalidate(&Invalidate::Ticket(guard)).await
            }
            (Flaw::ClosesForStrangers, &Invalidate::Handle { handle, owner: Some(_) })
                if !self
                    .is_open(self.current(Guard { handle, proof: Proof::from_bytes([0; 32]) }))
                    .await? =>
            {
                self.right.invalidate(&Invalidate::Handle { handle, owner: None }).await
            }
            (Flaw::EndsOneOfMany, Invalidate::Principal { principal, except }) => {
                let mut sessions = self.right.sessions_of(principal).await?;
                sessions.retain(|session| Some(session.handle) != *except);
                let Some(first) = sessions.first() else {
                    return Ok(Invalidated::Done(Vec::new()));
                };
                let handle = first.handle;
                let one = Invalidate::Handle { handle, owner: None };
                self.right.invalidate(&one).await
            }
            _ => self.right.invalidate(invalidate).await,
        }
    }
}

/// Gives others the time to come in between, where a step is not atomic.
pub(super) async fn pause() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Shows another time than the clock it wraps.
#[derive(Debug)]
struct WrongClock(ManualClock, fn(Timestamp, Duration) -> Timestamp);

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        (self.1)(self.0.now(), ERROR)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for BrokenStore {
    fn about(&self) -> About {
        self.about.clone()
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        self.load_wrongly(load).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        self.commit_wrongly(commit).await
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        self.end(invalidate).await
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        match self.flaw {
            Flaw::ListsTheExpired => self.slow.sessions_of(principal).await,
            _ => self.right.sessions_of(principal).await,
        }
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        self.sweep_wrongly(sweep).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        self.acknowledge_wrongly(handles).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.right.ping().await
    }

    fn feed(&self) -> Option<Feed> {
        self.right.feed()
    }
}
