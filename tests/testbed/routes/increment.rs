use axum::Json;
use axum::extract::Path;
use cloakroom::Session;

use crate::failure::Failure;

/// Adds one. An integer that has no successor is as much of the wrong type as a text.
pub(super) async fn increment(Path(name): Path<String>, session: Session) -> Result<Json<i64>, Failure> {
    let added = session.update_named(name, |number: &mut i64| {
        *number = number.checked_add(1)?;
        Some(*number)
    });
    added.await?.map(Json).ok_or(Failure::WrongType)
}
