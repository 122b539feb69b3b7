use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom_core::{Ended, Handle};
use tokio::time::Instant;

use crate::events::{Events, SessionEvent};

/// How often listeners are told of an expired session while one of them fails.
const ATTEMPTS: u32 = 3;

/// How many failures are remembered: other sweepers may have come to an end with those of long ago.
const MOST_FAILURES: usize = 10_000;

/// What a sweeper remembers of the sessions that it has claimed and the store still has.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// Those that listeners have been told of, as far as the store does not know of it.
    told: HashSet<Handle>,
    failures: HashMap<Handle, u32>,
}

impl Claims {
    /// Tells the listeners of expired sessions until the time is over, and returns those that may be removed.
    pub(super) async fn tell(&self, events: &Events, ended: Vec<Ended>, until: Instant) -> Vec<Handle> {
        let mut done = Vec::with_capacity(ended.len());
        for ended in ended {
            if Instant::now() >= until {
                break;
            }
            let handle = ended.handle;
            if self.has_told(handle) || self.tell_of(events, ended).await {
                self.remembered().told.insert(handle);
                done.push(handle);
            }
        }
        done
    }

    async fn tell_of(&self, events: &Events, ended: Ended) -> bool {
        let (handle, reason) = (ended.handle, ended.reason);
        tracing::debug!(session.handle = %handle, ?reason, "session expired");
        if events.tell_now(SessionEvent::Expired(ended.into(), reason)).await {
            return true;
        }
        let gives_up = self.has_failed_too_often(handle);
        if gives_up {
            tracing::error!(session.handle = %handle, "an expired session is removed, though a listener failed each time");
        }
        gives_up
    }

    /// Forgets sessions that the store has removed.
    pub(super) fn removed(&self, handles: &[Handle]) {
        let mut remembered = self.remembered();
        for handle in handles {
            remembered.told.remove(handle);
            remembered.failures.remove(handle);
        }
    }

    fn has_told(&self, handle: Handle) -> bool {
        self.remembered().told.contains(&handle)
    }

    fn has_failed_too_often(&self, handle: Handle) -> bool {
        let mut remembered = self.remembered();
        if remembered.failures.len() >= MOST_FAILURES {
            remembered.failures.clear();
        }
        let failures = remembered.failures.entry(handle).or_default();
        *failures += 1;
        *failures >= ATTEMPTS
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns when a sweeper must stop telling of sessions that it has claimed for this long from now: well before others may
/// claim them.
pub(super) fn half(lease: Duration) -> Instant {
    Instant::now() + lease / 2
}
