use std::sync::Arc;
use std::time::Duration;

use super::SessionLayer;
use crate::events::{DynListener, Events, SessionListener};

/// Who is told what happens to sessions.
impl SessionLayer {
    /// Adds a listener. None by default, which costs nothing; several are told one after another, in the order in which they
    /// were added.
    #[must_use]
    pub fn listener(mut self, listener: impl SessionListener) -> Self {
        let mut listeners = self.listeners();
        listeners.push(Arc::new(listener));
        self.seat(listeners);
        self
    }

    /// Sets how long a listener may take for one event. 5 seconds by default; one that takes longer is told nothing more
    /// until it has returned.
    #[must_use]
    pub fn listener_timeout(mut self, timeout: Duration) -> Self {
        self.settings.listener_timeout = timeout;
        let listeners = self.listeners();
        self.seat(listeners);
        self
    }

    fn listeners(&self) -> Vec<Arc<dyn DynListener>> {
        self.events.as_ref().map_or_else(Vec::new, |events| events.listeners())
    }

    fn seat(&mut self, listeners: Vec<Arc<dyn DynListener>>) {
        let none = listeners.is_empty();
        let events = || Events::new(listeners, self.settings.listener_timeout, self.tasks.clone());
        self.events = (!none).then(events).map(Arc::new);
    }
}
