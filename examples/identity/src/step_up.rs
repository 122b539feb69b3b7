//! A fresh sign-in, and a second factor, before what is sensitive (OWASP ASVS 5.0, 7.5.1 and 7.5.3).

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response, Result};
use axum::routing::post;
use axum::{Form, Router};
use cloakroom::{Attribute, Error, ErrorKind, RecentSignIn, Session, SessionLayer};
use serde::{Deserialize, Serialize};

use crate::random::digits;

pub(crate) fn app(layer: &SessionLayer) -> Router {
    Router::new()
        .route("/sign-in", post(sign_in))
        .route("/password", post(change_password))
        .route("/code", post(send_code))
        .route("/code/check", post(check_code))
        .route("/transfer", post(transfer))
        .layer(layer.clone())
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
}

/// Signs in, and signs in once more: each time under a new ticket, and without the second factor from before.
async fn sign_in(session: Session, Form(form): Form<Credentials>) -> Result<StatusCode, Error> {
    // Here the password is checked.
    session.remove::<SecondFactor>();
    session.sign_in(form.name)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a sign-in that is no older than five minutes.
async fn change_password(confirmed: Result<RecentSignIn<300>, Error>) -> Response {
    match confirmed {
        Ok(confirmed) => format!("The password of {} is changed.\n", confirmed.principal).into_response(),
        Err(error) if error.kind() == ErrorKind::NotSignedIn => Redirect::to("/sign-in").into_response(),
        Err(error) if error.kind() == ErrorKind::SignInTooOld => {
            Redirect::to("/sign-in?again").into_response()
        }
        Err(error) => error.into_response(),
    }
}

/// The code that was sent to the visitor. It lapses by itself, and is of use once.
#[derive(Serialize, Deserialize)]
struct Code(String);

impl Attribute for Code {
    const NAME: &'static str = "code";
    const TTL: Option<Duration> = Some(Duration::from_secs(5 * 60));
}

/// There as long as the visitor may do what takes a second factor.
#[derive(Serialize, Deserialize)]
struct SecondFactor;

impl Attribute for SecondFactor {
    const NAME: &'static str = "second-factor";
    const TTL: Option<Duration> = Some(Duration::from_secs(10 * 60));
}

async fn send_code(session: Session) -> Result<String> {
    let name = session.principal().ok_or(StatusCode::UNAUTHORIZED)?;
    let code = digits()?;
    session.set(&Code(code.clone()))?;
    Ok(format!("{code}: {name} would get this by another way.\n"))
}

#[derive(Deserialize)]
struct Guess {
    code: String,
}

/// Takes the code away, whether the guess is right or not: of many, also at once and on several servers, one counts.
async fn check_code(session: Session, Form(guess): Form<Guess>) -> Result<StatusCode, Error> {
    match session.take_once::<Code>().await? {
        Some(Code(code)) if code == guess.code => {
            session.set(&SecondFactor)?;
            // The session may do more now, so it gets another ticket (OWASP Session Management Cheat Sheet).
            session.rotate();
            Ok(StatusCode::NO_CONTENT)
        }
        _ => Ok(StatusCode::FORBIDDEN),
    }
}

async fn transfer(session: Session) -> Result<StatusCode, Error> {
    let may = session.principal().is_some() && session.contains::<SecondFactor>().await?;
    Ok(if may { StatusCode::NO_CONTENT } else { StatusCode::FORBIDDEN })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visitor::Visitor;

    #[tokio::test]
    async fn a_password_is_changed_after_a_fresh_sign_in_alone() {
        let (mut visitor, clock) = Visitor::with_clock(app);
        assert_eq!(visitor.post("/password", "").await.leads_to(), "/sign-in");
        for _ in 0..2 {
            visitor.post("/sign-in", "name=ada").await.is(204);
            visitor.post("/password", "").await.is(200);
            clock.advance(Duration::from_secs(301));
            assert_eq!(visitor.post("/password", "").await.leads_to(), "/sign-in?again");
        }
    }

    #[tokio::test]
    async fn a_second_factor_takes_the_code_at_the_first_guess_and_lapses() {
        let (mut visitor, clock) = Visitor::with_clock(app);
        visitor.post("/code", "").await.is(401);
        visitor.post("/sign-in", "name=ada").await.is(204);
        visitor.post("/transfer", "").await.is(403);
        for (wrong, expected) in [("x", 403), ("", 204)] {
            let code = visitor.post("/code", "").await.is(200).text[..6].to_owned();
            visitor.post("/code/check", &format!("code={code}{wrong}")).await.is(expected);
            visitor.post("/code/check", &format!("code={code}")).await.is(403);
            visitor.post("/transfer", "").await.is(expected);
        }
        clock.advance(Duration::from_secs(601));
        visitor.post("/transfer", "").await.is(403);
    }

    #[tokio::test]
    async fn another_sign_in_needs_its_own_second_factor() {
        let (mut visitor, _) = Visitor::with_clock(app);
        visitor.post("/sign-in", "name=ada").await.is(204);
        let code = visitor.post("/code", "").await.is(200).text[..6].to_owned();
        visitor.post("/code/check", &format!("code={code}")).await.is(204);
        visitor.post("/transfer", "").await.is(204);
        visitor.post("/sign-in", "name=ada").await.is(204);
        visitor.post("/transfer", "").await.is(403);
    }
}
