use axum::extract::Query;
use axum::http::StatusCode;
use cloakroom::Session;
use serde::Deserialize;

use super::Answer;

/// Which attribute a failing request sets before it fails.
#[derive(Debug, Deserialize)]
pub(super) struct Failing {
    set: String,
}

pub(super) async fn fail(session: Session, Query(failing): Query<Failing>) -> Answer {
    session.set_named(failing.set, &true)?;
    Ok(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(super) async fn logout_and_fail(session: Session) -> StatusCode {
    session.invalidate();
    StatusCode::INTERNAL_SERVER_ERROR
}

pub(super) async fn panic(session: Session, Query(failing): Query<Failing>) -> Answer {
    session.set_named(failing.set, &true)?;
    panic!("asked for by /panic");
}
