use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::{SessionEvent, SessionListener};
use serde::Serialize;

/// This node's lifecycle events, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(Arc<Mutex<Vec<Past>>>);

/// Something that happened to a session.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Past {
    event: &'static str,
    handle: String,
    names: Vec<String>,
}

impl History {
    pub(crate) fn so_far(&self) -> Vec<Past> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl SessionListener for History {
    async fn heard(&self, event: &SessionEvent) {
        let Some(session) = event.session() else { return };
        let past = Past {
            event: event.name(),
            handle: session.handle().to_string(),
            names: session.attribute_names().iter().map(ToString::to_string).collect(),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(past);
    }
}
