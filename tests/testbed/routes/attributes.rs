use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{Extensions, StatusCode};
use cloakroom::{IntoName as _, Session};
use serde_json::{Map, Value};

use super::Answer;
use super::body::json;
use crate::failure::Failure;

/// Loads the session with this one attribute, so that both are of one snapshot.
pub(super) async fn show(Path(name): Path<String>, extensions: Extensions) -> Result<Json<Value>, Failure> {
    let Ok(name) = name.into_name() else {
        return Err(Failure::NotFound);
    };
    let session = Session::with_attributes(&extensions, std::slice::from_ref(&name)).await?;
    let value = session.get_named(name).await?;
    value.map(Json).ok_or(Failure::NotFound)
}

pub(super) async fn set(Path(name): Path<String>, session: Session, body: Bytes) -> Answer {
    session.set_named(name, &json::<Value>(&body)?)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove(Path(name): Path<String>, session: Session) -> StatusCode {
    session.remove_named(name);
    StatusCode::NO_CONTENT
}

/// Checks every name before it sets the first, so that a bad one changes nothing.
pub(super) async fn set_all(session: Session, body: Bytes) -> Answer {
    let members = json::<Map<String, Value>>(&body)?
        .into_iter()
        .map(|(name, value)| Ok((name.into_name()?, value)))
        .collect::<Result<Vec<_>, cloakroom::Error>>()?;
    for (name, value) in members {
        session.set_named(name, &value)?;
    }
    Ok(StatusCode::NO_CONTENT)
}
