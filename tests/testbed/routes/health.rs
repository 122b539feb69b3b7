use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use cloakroom::Store as _;
use cloakroom::core::DynStore;

/// The library's default store timeout.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);

/// The store, and how long it may take to answer.
#[derive(Clone)]
pub(crate) struct Health {
    store: Arc<dyn DynStore>,
    timeout: Duration,
}

impl Health {
    pub(crate) fn new(store: Arc<dyn DynStore>, timeout: Option<Duration>) -> Self {
        let timeout = timeout.unwrap_or(DEFAULT_TIMEOUT);
        Self { store, timeout }
    }
}

pub(super) async fn check(State(health): State<Health>) -> StatusCode {
    match tokio::time::timeout(health.timeout, health.store.ping()).await {
        Ok(Ok(())) => StatusCode::OK,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the store gives no sign of life");
            StatusCode::SERVICE_UNAVAILABLE
        }
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
