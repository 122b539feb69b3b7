use axum::Router;
use axum::extract::Form;
use axum::response::Redirect;
use axum::routing::post;
use cloakroom::{Error, Session};
use serde::Deserialize;

use crate::attributes::Trunk;
use crate::web::local;

/// The inspector's buttons.
pub(super) fn actions() -> Router {
    Router::new().route("/trunk", post(leave)).route("/trunk/remove", post(fetch))
}

#[derive(Deserialize)]
struct From {
    back: String,
}

async fn leave(session: Session, Form(from): Form<From>) -> Result<Redirect, Error> {
    session.set(&Trunk::full())?;
    Ok(Redirect::to(local(&from.back)))
}

async fn fetch(session: Session, Form(from): Form<From>) -> Redirect {
    session.remove::<Trunk>();
    Redirect::to(local(&from.back))
}
