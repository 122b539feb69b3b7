use std::time::Duration;

use axum::extract::Query;
use axum::http::StatusCode;
use cloakroom::Session;
use serde::Deserialize;

use super::Answer;

/// How long the session may live without an access.
#[derive(Debug, Deserialize)]
pub(super) struct Interval {
    ms: u64,
}

pub(super) async fn set_interval(session: Session, Query(interval): Query<Interval>) -> Answer {
    session.set_max_inactive_interval(Duration::from_millis(interval.ms))?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn rotate(session: Session) -> StatusCode {
    session.rotate();
    StatusCode::NO_CONTENT
}
