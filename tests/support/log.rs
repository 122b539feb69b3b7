use std::fmt::{self, Write as _};
use std::sync::{Mutex, Once};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static INSTALLED: Once = Once::new();

/// All that is logged in this process, by whatever thread, at every level.
pub(crate) struct Log;

impl Log {
    /// Begins to listen, if nobody has yet.
    pub(crate) fn install() -> Self {
        INSTALLED.call_once(|| {
            tracing::subscriber::set_global_default(Listener).unwrap();
            // What another thread logged for the first time just then may have been found to interest nobody.
            tracing::callsite::rebuild_interest_cache();
        });
        Self
    }

    /// Returns the events that hold this text, oldest first.
    pub(crate) fn events_with(&self, text: &str) -> Vec<String> {
        let events = EVENTS.lock().unwrap();
        events.iter().filter(|event| event.contains(text)).cloned().collect()
    }
}

struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(event.metadata().target().to_owned());
        event.record(&mut text);
        EVENTS.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}
