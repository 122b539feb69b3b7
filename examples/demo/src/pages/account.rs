use askama::Template;
use axum::Router;
use axum::extract::Form;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use cloakroom::{Error, Flash, Handle, Principal, Session, SessionInfo};
use serde::Deserialize;

use crate::web::{Page, Visitor, device};

pub(super) fn pages() -> Router {
    Router::new()
        .route("/sign-in", get(sign_in_page))
        .route("/account", get(account))
        .route("/goodbye", get(goodbye))
}

pub(super) fn actions() -> Router {
    Router::new().route("/sign-in", post(sign_in)).route("/sign-out", post(sign_out))
}

#[derive(Template)]
#[template(path = "account/sign-in.html")]
struct SignInPage;

async fn sign_in_page(visitor: Visitor) -> Response {
    if visitor.name.is_some() {
        return Redirect::to("/account").into_response();
    }
    Page::new(visitor, "Sign in", SignInPage).into_response()
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
}

async fn sign_in(
    session: Session,
    mut flash: Flash,
    headers: HeaderMap,
    Form(form): Form<Credentials>,
) -> Result<Redirect, Error> {
    let Ok(name) = Principal::new(form.name.trim().to_owned()) else {
        flash.error("Please give a name of one line, and not a long one.")?;
        return Ok(Redirect::to("/sign-in"));
    };
    if session.principal().is_some_and(|before| before != name) {
        // Whoever signed in before leaves nothing to the next.
        session.invalidate();
    }
    session.sign_in(name.as_str())?;
    session.set_label(device(&headers))?;
    flash.success(format!("Welcome, {name}."))?;
    Ok(Redirect::to("/account"))
}

async fn sign_out(session: Session) -> Redirect {
    session.sign_out();
    Redirect::to("/goodbye")
}

#[derive(Template)]
#[template(path = "account/account.html")]
struct Account {
    name: String,
    here: Option<Handle>,
    sessions: Vec<SessionInfo>,
}

async fn account(session: Session, visitor: Visitor) -> Result<Page<Account>, Error> {
    let sessions = session.sessions().await?;
    let main = Account { name: visitor.name.clone().unwrap_or_default(), here: session.handle(), sessions };
    Ok(Page::new(visitor, "Where you are signed in", main))
}

impl Account {
    fn is_here(&self, info: &SessionInfo) -> bool {
        self.here == Some(info.handle)
    }

    fn label<'a>(&self, info: &'a SessionInfo) -> &'a str {
        info.label.as_ref().map_or("Some device", |label| label.as_str())
    }
}

#[derive(Template)]
#[template(path = "account/goodbye.html")]
struct Goodbye;

async fn goodbye(visitor: Visitor) -> Page<Goodbye> {
    Page::new(visitor, "Goodbye", Goodbye)
}
