use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use cloakroom::core::{DynStore, Guard};

use super::exchange::Exchange;
use super::log::Log;
use super::meter::{Meter, Tally};
use super::panel::Panel;
use super::snapshot::Snapshot;
use crate::web::Shell;

/// How long the inspector may look. No page waits for it any longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the panel is made of: the store, and the log.
#[derive(Clone)]
pub(crate) struct Inspector {
    store: Arc<dyn DynStore>,
    log: Arc<Log>,
}

impl Inspector {
    pub(crate) fn new(store: Arc<dyn DynStore>) -> Self {
        Self { store, log: Arc::default() }
    }

    /// Keeps what was counted, and returns the session as it is now.
    async fn note(&self, request: String, tally: &Tally) -> Option<Snapshot> {
        let snapshot = self.look(tally.guard?).await?;
        let exchange = Exchange::new(request, tally, &snapshot);
        self.log.note(snapshot.handle, exchange);
        Some(snapshot)
    }

    async fn look(&self, guard: Guard) -> Option<Snapshot> {
        let looking = tokio::time::timeout(PATIENCE, Snapshot::take(&*self.store, guard));
        match looking.await {
            Ok(Ok(snapshot)) => snapshot,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the inspector cannot look at a session");
                None
            }
            Err(_) => {
                tracing::warn!("the inspector cannot look at a session: the store does not answer");
                None
            }
        }
    }

    fn panel(&self, snapshot: Option<Snapshot>, here: String) -> Panel {
        let exchanges = snapshot.as_ref().map(|it| self.log.of(it.handle));
        Panel::new(snapshot, exchanges.unwrap_or_default(), here)
    }
}

/// Watches a request, and puts the panel beside its page. It stands around the session layer, so that what the layer
/// stores after the handler is seen as well.
pub(crate) async fn watch(State(inspector): State<Inspector>, request: Request, next: Next) -> Response {
    let here = request.uri().path().to_owned();
    let name = format!("{} {here}", request.method());
    let meter = Meter::default();
    let mut response = meter.scope(next.run(request)).await;
    let snapshot = inspector.note(name, &meter.read()).await;
    match response.extensions_mut().remove::<Shell>() {
        Some(shell) => shell.around(&inspector.panel(snapshot, here), response),
        None => response,
    }
}
