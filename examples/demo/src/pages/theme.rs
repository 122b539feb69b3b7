use axum::Router;
use axum::extract::Form;
use axum::response::Redirect;
use axum::routing::post;
use cloakroom::Attr;
use serde::Deserialize;

use crate::attributes::Theme;
use crate::web::local;

pub(super) fn actions() -> Router {
    Router::new().route("/theme", post(choose))
}

#[derive(Deserialize)]
struct Choice {
    theme: Theme,
    back: String,
}

async fn choose(mut theme: Attr<Theme>, Form(choice): Form<Choice>) -> Redirect {
    *theme = choice.theme;
    Redirect::to(local(&choice.back))
}
