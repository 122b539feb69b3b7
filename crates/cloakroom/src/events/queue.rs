use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom_core::{Name, Select, Wanted};
use tokio::runtime::Handle as Runtime;
use tokio_util::task::TaskTracker;

use super::seat::{Seat, handle};
use super::{DynListener, SessionEvent};
use crate::telemetry;

/// How many events may wait for slow listeners.
const MOST_WAITING: usize = 10_000;

/// The listeners of a layer, and the events that they are still to be told of.
pub(crate) struct Events {
    seats: Vec<Seat>,
    timeout: Duration,
    /// Whoever waits for the layer's tasks waits for the listeners too.
    tasks: TaskTracker,
    queue: Mutex<Queue>,
    /// Held while an event is told, so that listeners hear one at a time.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<SessionEvent>,
    /// Whether a task tells of what is waiting.
    is_told: bool,
}

impl Events {
    pub(crate) fn new(listeners: Vec<Arc<dyn DynListener>>, timeout: Duration, tasks: TaskTracker) -> Self {
        let seats = listeners.into_iter().map(Seat::new).collect();
        Self { seats, timeout, tasks, queue: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    pub(crate) fn listeners(&self) -> Vec<Arc<dyn DynListener>> {
        self.seats.iter().map(|seat| Arc::clone(seat.listener())).collect()
    }

    /// Tells the listeners of an event, some time soon. Waits for nobody.
    pub(crate) fn tell(self: &Arc<Self>, event: SessionEvent) {
        let begins = {
            let mut queue = self.queue();
            if queue.waiting.len() >= MOST_WAITING {
                telemetry::unheard("dropped");
                tracing::warn!(
                    event = event.name(),
                    session.handle = handle(&event),
                    "session listeners are too slow: an event is dropped"
                );
                return;
            }
            queue.waiting.push_back(event);
            !std::mem::replace(&mut queue.is_told, true)
        };
        if begins {
            self.begin();
        }
    }

    fn begin(self: &Arc<Self>) {
        if let Ok(runtime) = Runtime::try_current() {
            drop(runtime.spawn(self.tasks.track_future(Arc::clone(self).tell_all())));
        } else {
            tracing::error!("session listeners are told nothing outside a Tokio runtime");
            *self.queue() = Queue::default();
        }
    }

    async fn tell_all(self: Arc<Self>) {
        while let Some(event) = self.next() {
            self.tell_now(event).await;
        }
    }

    fn next(&self) -> Option<SessionEvent> {
        let mut queue = self.queue();
        let next = queue.waiting.pop_front();
        queue.is_told = next.is_some();
        next
    }

    /// Tells every listener of an event, and returns whether all of them have returned.
    pub(crate) async fn tell_now(&self, event: SessionEvent) -> bool {
        let _turn = self.turn.lock().await;
        let event = Arc::new(event);
        let mut heard = true;
        for seat in &self.seats {
            heard &= seat.tell(&event, self.timeout).await;
        }
        heard
    }

    /// Returns how long an event may take: until the one before it is told, and then to tell it.
    pub(crate) fn patience(&self) -> Duration {
        self.timeout.saturating_mul(2 * self.seats.len() as u32)
    }

    /// Returns which values the listeners ask for.
    pub(crate) fn select(&self) -> Select {
        let wanted = self.seats.iter().flat_map(|seat| seat.listener().dyn_wants());
        let mut names: Vec<Name> = wanted.filter_map(|name| Name::new(*name).ok()).collect();
        names.sort_unstable();
        names.dedup();
        let values = if names.is_empty() { Wanted::Nothing } else { Wanted::Named(names.into()) };
        Select { values, names: false }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("listeners", &self.seats.len()).finish_non_exhaustive()
    }
}
