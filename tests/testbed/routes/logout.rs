use axum::extract::Path;
use axum::http::StatusCode;
use cloakroom::Session;

use super::Answer;

pub(super) async fn logout(session: Session) -> StatusCode {
    session.invalidate();
    StatusCode::NO_CONTENT
}

pub(super) async fn logout_then_set(Path(name): Path<String>, session: Session) -> Answer {
    session.invalidate();
    session.set_named(name, &true)?;
    Ok(StatusCode::NO_CONTENT)
}
