use std::time::SystemTime;

use axum::Json;
use cloakroom::core::Timestamp;
use cloakroom::{ErrorKind, Name, Session};
use serde::Serialize;

use crate::failure::Failure;

/// All that a session tells of itself.
#[derive(Debug, Serialize)]
pub(super) struct Overview {
    new: bool,
    handle: Option<String>,
    names: Vec<String>,
    principal: Option<String>,
    max_inactive_interval_ms: u128,
    created_at_ms: Option<u64>,
    last_accessed_at_ms: Option<u64>,
}

/// A session that ends between its load and the list of its names is told of as what it is then: none.
pub(super) async fn show(session: Session) -> Result<Json<Overview>, Failure> {
    match session.attribute_names().await {
        Ok(names) => Ok(Json(Overview::of(&session, &names))),
        Err(error) if error.kind() == ErrorKind::Gone => Ok(Json(Overview::of_none(&session))),
        Err(error) => Err(error.into()),
    }
}

impl Overview {
    fn of(session: &Session, names: &[Name]) -> Self {
        Self {
            new: session.is_new(),
            handle: session.handle().map(|handle| handle.to_string()),
            names: names.iter().map(Name::to_string).collect(),
            principal: session.principal().map(|principal| principal.to_string()),
            max_inactive_interval_ms: session.max_inactive_interval().as_millis(),
            created_at_ms: session.created_at().map(millis),
            last_accessed_at_ms: session.last_accessed_at().map(millis),
        }
    }

    fn of_none(session: &Session) -> Self {
        Self {
            new: true,
            handle: None,
            names: Vec::new(),
            principal: None,
            max_inactive_interval_ms: session.max_inactive_interval().as_millis(),
            created_at_ms: None,
            last_accessed_at_ms: None,
        }
    }
}

fn millis(time: SystemTime) -> u64 {
    Timestamp::from(time).as_millis()
}
