use std::time::Duration;

use axum::extract::Query;
use axum::http::StatusCode;
use cloakroom::Session;
use serde::Deserialize;

use super::Answer;

/// How long to wait, and what to set then.
#[derive(Debug, Deserialize)]
pub(super) struct Slow {
    ms: u64,
    set: String,
}

pub(super) async fn slow(session: Session, Query(slow): Query<Slow>) -> Answer {
    tokio::time::sleep(Duration::from_millis(slow.ms)).await;
    session.set_named(slow.set, &true)?;
    Ok(StatusCode::NO_CONTENT)
}
