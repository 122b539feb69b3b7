use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use cloakroom::{Handle, Session};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, body};
use crate::failure::Failure;

/// Who signs in.
#[derive(Debug, Deserialize)]
struct Login {
    principal: String,
}

/// One of a principal's sessions.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    handle: String,
    created_at_ms: u64,
    last_accessed_at_ms: u64,
    current: bool,
}

pub(super) async fn login(session: Session, body: Bytes) -> Answer {
    let login: Login = body::json(&body)?;
    session.sign_in(login.principal)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn list(session: Session) -> Result<Json<Vec<Listed>>, Failure> {
    let own = session.handle();
    let listed = session.sessions().await?.into_iter().map(|info| Listed {
        handle: info.handle.to_string(),
        created_at_ms: info.created_at.as_millis(),
        last_accessed_at_ms: info.accessed_at.as_millis(),
        current: Some(info.handle) == own,
    });
    Ok(Json(listed.collect()))
}

pub(super) async fn end_all(session: Session) -> Result<Json<Value>, Failure> {
    let invalidated = session.invalidate_all().await?;
    Ok(Json(json!({ "invalidated": invalidated })))
}

pub(super) async fn end_one(Path(handle): Path<String>, session: Session) -> Answer {
    if session.principal().is_none() {
        return Ok(StatusCode::UNAUTHORIZED);
    }
    let Ok(handle) = handle.parse::<Handle>() else {
        return Err(Failure::NotFound);
    };
    if session.invalidate_session(handle).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Failure::NotFound)
    }
}
