//! Ending sessions from another. It takes a sign-in that is not long ago: whoever finds a browser open must not lock its
//! owner out.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{Extension, Form, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response, Result};
use axum::routing::{get, post};
use cloakroom::{Error, ErrorKind, Flash, Handle, Session};
use serde::Deserialize;

use crate::web::{Page, Visitor};

pub(super) fn pages() -> Router {
    Router::new().route("/account/confirm", get(confirm))
}

pub(super) fn actions(confirm_after: Duration) -> Router {
    Router::new().route("/account/end", post(end)).layer(Extension(ConfirmAfter(confirm_after)))
}

/// How old a sign-in may be.
#[derive(Clone, Copy)]
struct ConfirmAfter(Duration);

/// What is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    One(Handle),
    Others,
    All,
}

impl FromStr for Which {
    type Err = StatusCode;

    fn from_str(text: &str) -> Result<Self, StatusCode> {
        match text {
            "others" => Ok(Self::Others),
            "all" => Ok(Self::All),
            handle => handle.parse().map(Self::One).map_err(|_| StatusCode::BAD_REQUEST),
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(handle) => handle.fmt(f),
            Self::Others => f.write_str("others"),
            Self::All => f.write_str("all"),
        }
    }
}

#[derive(Deserialize)]
struct Ending {
    which: String,
    /// Who they are, once more, where they were asked. A real shop asks for the password.
    name: Option<String>,
}

async fn end(
    session: Session,
    flash: Flash,
    Extension(ConfirmAfter(age)): Extension<ConfirmAfter>,
    Form(ending): Form<Ending>,
) -> Result<Redirect> {
    let which: Which = ending.which.parse()?;
    let is_this = matches!(which, Which::One(handle) if session.handle() == Some(handle));
    if !is_this && !is_confirmed(&session, ending.name.as_deref(), age)? {
        return Ok(Redirect::to(&format!("/account/confirm?which={which}")));
    }
    end_now(&session, flash, which, is_this).await
}

/// Returns whether the visitor signed in not long ago, or does so with this very request: under a new ticket then.
fn is_confirmed(session: &Session, name: Option<&str>, age: Duration) -> Result<bool, Error> {
    let name = name.map(str::trim);
    if let Some(name) = name
        && session.principal().is_some_and(|principal| principal.as_str() == name)
    {
        session.sign_in(name)?;
    }
    match session.require_sign_in_within(age) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::SignInTooOld => Ok(false),
        Err(error) => Err(error),
    }
}

async fn end_now(session: &Session, mut flash: Flash, which: Which, is_this: bool) -> Result<Redirect> {
    match which {
        Which::One(handle) => {
            let was_there = session.invalidate_session(handle).await?;
            match was_there {
                _ if is_this => return Ok(Redirect::to("/goodbye")),
                true => flash.success("That session has ended.")?,
                false => flash.info("That session had ended already.")?,
            }
        }
        Which::Others => {
            let told = match session.invalidate_others().await? {
                0 => "There was no other session.".to_owned(),
                1 => "One other session has ended.".to_owned(),
                ended => format!("{ended} other sessions have ended."),
            };
            flash.success(told)?;
        }
        Which::All => {
            session.invalidate_all().await?;
            return Ok(Redirect::to("/goodbye"));
        }
    }
    Ok(Redirect::to("/account"))
}

#[derive(Template)]
#[template(path = "account/confirm.html")]
struct Confirm {
    which: Which,
    since: String,
}

#[derive(Deserialize)]
struct Asked {
    which: String,
}

async fn confirm(session: Session, visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response> {
    let Some(at) = session.signed_in_at() else {
        return Ok(Redirect::to("/sign-in").into_response());
    };
    let confirm = Confirm { which: asked.which.parse()?, since: crate::web::ago(at) };
    Ok(Page::new(visitor, "Is it you?", confirm).into_response())
}
