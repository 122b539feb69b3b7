use axum::extract::Query;
use axum::http::StatusCode;
use cloakroom::Session;
use serde::Deserialize;

use super::Answer;

/// How many attributes to set, and of how many bytes.
#[derive(Debug, Deserialize)]
pub(super) struct Amount {
    attributes: u32,
    bytes: u32,
}

pub(super) async fn fill(session: Session, Query(amount): Query<Amount>) -> Answer {
    let value = "x".repeat(amount.bytes as usize);
    for number in 0..amount.attributes {
        session.set_named(format!("a{number:04}"), &value)?;
    }
    Ok(StatusCode::NO_CONTENT)
}
