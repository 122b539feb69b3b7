use std::sync::{Arc, Mutex};

use cloakroom::{AskedBy, Session, SessionEvent, SessionListener};

/// A listener that remembers what it has heard. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Ear {
    heard: Arc<Mutex<Vec<SessionEvent>>>,
    wants: &'static [&'static str],
}

impl Ear {
    pub(super) fn new() -> Self {
        Self::wanting(&[])
    }

    /// Makes one that asks for the values of these attributes.
    pub(super) fn wanting(wants: &'static [&'static str]) -> Self {
        Self { heard: Arc::default(), wants }
    }

    pub(super) fn heard(&self) -> Vec<SessionEvent> {
        self.heard.lock().unwrap().clone()
    }

    /// Returns what it has heard in short, such as `created` and `invalidated by request`.
    pub(super) fn story(&self) -> Vec<String> {
        let tell = |event: &SessionEvent| match event {
            SessionEvent::Invalidated(_, by) => format!("invalidated by {}", asked_by(by)),
            SessionEvent::EveryoneInvalidated(order) => {
                format!("everyone invalidated by {}: {}", order.by(), order.reason())
            }
            event => event.name().to_owned(),
        };
        self.heard().iter().map(tell).collect()
    }
}

fn asked_by(by: &AskedBy) -> String {
    match by.order() {
        Some(order) => format!("{} {}: {}", by.name(), order.by(), order.reason()),
        None => by.name().to_owned(),
    }
}

impl SessionListener for Ear {
    fn wants(&self) -> &[&'static str] {
        self.wants
    }

    async fn heard(&self, event: &SessionEvent) {
        self.heard.lock().unwrap().push(event.clone());
    }
}

/// What a request does, for [`Rig::run`](super::rig::Rig::run).
type Handled = cloakroom::core::BoxFuture<'static, Result<http::StatusCode, cloakroom::Error>>;

type Handler = fn(Session) -> Handled;

fn done(result: Result<(), cloakroom::Error>) -> Handled {
    Box::pin(async move { result.map(|()| http::StatusCode::OK) })
}

pub(super) const ROTATE: Handler = |it| {
    it.rotate();
    done(Ok(()))
};

pub(super) const LEAVE: Handler = |it| {
    it.sign_out();
    done(Ok(()))
};

pub(super) const ADA: Handler = |it| done(it.sign_in("ada"));
