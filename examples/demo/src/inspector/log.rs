use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cloakroom::Handle;
use lru::LruCache;

use super::exchange::Exchange;

const SESSIONS: NonZeroUsize = NonZeroUsize::new(1_000).expect("more than zero");
const REQUESTS: usize = 10;

/// The last requests of the sessions seen last, in the memory of this process: in the session they would be a part of
/// what they measure.
#[derive(Debug)]
pub(super) struct Log(Mutex<LruCache<Handle, VecDeque<Exchange>>>);

impl Default for Log {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(SESSIONS)))
    }
}

impl Log {
    pub(super) fn note(&self, handle: Handle, exchange: Exchange) {
        let mut sessions = self.lock();
        let requests = sessions.get_or_insert_mut(handle, VecDeque::new);
        requests.truncate(REQUESTS - 1);
        requests.push_front(exchange);
    }

    /// Returns the last requests of a session, the latest first.
    pub(super) fn of(&self, handle: Handle) -> Vec<Exchange> {
        let mut sessions = self.lock();
        let requests = sessions.get(&handle).into_iter().flatten();
        requests.cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Handle, VecDeque<Exchange>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
