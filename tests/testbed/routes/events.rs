use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use cloakroom::SessionLayer;
use tokio::sync::Mutex;

use crate::history::{History, Past};

/// The events, and the layer that tells of them.
#[derive(Clone, Debug)]
pub(super) struct Told {
    layer: Arc<Mutex<SessionLayer>>,
    history: History,
}

impl Told {
    pub(super) fn new(layer: &SessionLayer, history: History) -> Self {
        Self { layer: Arc::new(Mutex::new(layer.clone())), history }
    }
}

/// Lists the events, those of requests included that were answered just now.
pub(super) async fn list(State(told): State<Told>) -> Json<Vec<Past>> {
    let layer = told.layer.lock().await;
    let _ = tokio::time::timeout(Duration::from_secs(20), layer.settled()).await;
    Json(told.history.so_far())
}
