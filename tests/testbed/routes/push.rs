use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{Extensions, StatusCode};
use cloakroom::{Attr, IntoName as _, Session};
use serde_json::Value;

use super::Answer;
use super::body::json;

/// Changes a list in place, and leaves it to the library to notice.
pub(super) async fn push(Path(name): Path<String>, extensions: Extensions, body: Bytes) -> Answer {
    let item: Value = json(&body)?;
    let name = name.into_name()?;
    let session = Session::with_attributes(&extensions, std::slice::from_ref(&name)).await?;
    let mut list: Attr<Vec<Value>> = session.attr_named(name).await?;
    list.push(item);
    Ok(StatusCode::NO_CONTENT)
}
