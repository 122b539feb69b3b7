use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloakroom_core::Handle;
use tokio::task::JoinHandle;
use tracing::field::{DisplayValue, display};

use super::{DynListener, SessionEvent, heard_by};
use crate::telemetry;

/// A listener, and whether it is still busy with an event that it should be done with.
pub(super) struct Seat {
    listener: Arc<dyn DynListener>,
    late: Mutex<Option<JoinHandle<()>>>,
}

impl Seat {
    pub(super) fn new(listener: Arc<dyn DynListener>) -> Self {
        Self { listener, late: Mutex::default() }
    }

    pub(super) fn listener(&self) -> &Arc<dyn DynListener> {
        &self.listener
    }

    /// Tells the listener of an event, and returns whether it has returned in time. In a task of its own: neither its panic
    /// nor its blocking reaches whoever tells it.
    pub(super) async fn tell(&self, event: &Arc<SessionEvent>, timeout: Duration) -> bool {
        if self.is_late() {
            telemetry::unheard("late");
            tracing::warn!(
                event = event.name(),
                session.handle = handle(event),
                "a session listener is late: it is not told of this event"
            );
            return false;
        }
        let mut hearing = tokio::spawn(heard_by(Arc::clone(&self.listener), Arc::clone(event)));
        match tokio::time::timeout(timeout, &mut hearing).await {
            Ok(Ok(())) => true,
            Ok(Err(_)) => {
                telemetry::unheard("panicked");
                tracing::error!(
                    event = event.name(),
                    session.handle = handle(event),
                    "a session listener panicked"
                );
                false
            }
            Err(_) => {
                telemetry::unheard("late");
                tracing::error!(
                    event = event.name(),
                    session.handle = handle(event),
                    "a session listener did not return in time"
                );
                *self.late.lock().unwrap_or_else(PoisonError::into_inner) = Some(hearing);
                false
            }
        }
    }

    fn is_late(&self) -> bool {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.take_if(|hearing| hearing.is_finished());
        late.is_some()
    }
}

pub(super) fn handle(event: &SessionEvent) -> Option<DisplayValue<Handle>> {
    event.session().map(|session| display(session.handle()))
}
