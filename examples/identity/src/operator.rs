//! People who end the sessions of others: of an account that is closed, or of everybody (OWASP ASVS 5.0, 7.4.2 and 7.4.5).
//!
//! Operators have sessions of their own, under a cookie and in a store of their own: no visitor's ticket opens one.

use std::fmt::Write as _;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Result;
use axum::routing::{get, post};
use axum::{Form, Router};
use cloakroom::{Error, Order, RecentSignIn, Session, SessionLayer, SessionRegistry};
use serde::Deserialize;

pub(crate) fn app(visitors: &SessionLayer, operators: &SessionLayer) -> Router {
    let shop = Router::new().route("/", get(greet)).route("/sign-in", post(sign_in)).layer(visitors.clone());
    let desk = Router::new()
        .route("/operator/sign-in", post(sign_in))
        .route("/operator/sessions", get(list))
        .route("/operator/end", post(end_one))
        .route("/operator/end-all", post(end_all_of))
        .route("/operator/end-everybodys", post(end_everybodys))
        .with_state(visitors.registry())
        .layer(operators.clone());
    shop.merge(desk)
}

/// An operator who signed in within the last quarter of an hour.
type Operator = RecentSignIn<900>;

#[derive(Deserialize)]
struct Credentials {
    name: String,
}

async fn sign_in(session: Session, Form(form): Form<Credentials>) -> Result<StatusCode, Error> {
    // Here the password is checked, and for operators that they are.
    session.sign_in(form.name)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn greet(session: Session) -> String {
    session.principal().map_or_else(|| "nobody".to_owned(), |name| name.to_string())
}

#[derive(Deserialize)]
struct Whose {
    name: String,
}

async fn list(
    _: Operator,
    State(registry): State<SessionRegistry>,
    Query(whose): Query<Whose>,
) -> Result<String, Error> {
    let mut page = String::new();
    for session in registry.sessions_of(whose.name).await? {
        let label = session.label.as_ref().map_or("", |label| label.as_str());
        let _ = writeln!(page, "{} {label}", session.handle);
    }
    Ok(page)
}

#[derive(Deserialize)]
struct Ending {
    /// A session's handle, or a principal.
    #[serde(default)]
    of: String,
    reason: String,
}

impl Ending {
    /// Says who asks and why: both are logged, and told to listeners.
    fn order(&self, operator: &Operator) -> Result<Order, Error> {
        Order::new(operator.principal.to_string(), self.reason.clone())
    }
}

async fn end_one(
    operator: Operator,
    State(registry): State<SessionRegistry>,
    Form(ending): Form<Ending>,
) -> Result<&'static str> {
    let handle = ending.of.parse().map_err(|_| StatusCode::BAD_REQUEST)?;
    let was_there = registry.invalidate(handle, &ending.order(&operator)?).await?;
    Ok(if was_there { "It has ended.\n" } else { "It had ended already.\n" })
}

/// Disable the account first: a sign-in that comes afterwards is a new session.
async fn end_all_of(
    operator: Operator,
    State(registry): State<SessionRegistry>,
    Form(ending): Form<Ending>,
) -> Result<String, Error> {
    let order = ending.order(&operator)?;
    let count = registry.invalidate_all_of(ending.of, &order).await?;
    Ok(format!("{count} have ended.\n"))
}

async fn end_everybodys(
    operator: Operator,
    State(registry): State<SessionRegistry>,
    Form(ending): Form<Ending>,
) -> Result<&'static str, Error> {
    registry.invalidate_everyone(&ending.order(&operator)?).await?;
    Ok("All have ended.\n")
}

#[cfg(test)]
mod tests {
    use cloakroom::MemoryStore;

    use super::*;
    use crate::visitor::Visitor;

    async fn opened() -> (Visitor, Visitor) {
        let operators = SessionLayer::new(MemoryStore::new()).cookie_name("__Host-operator");
        let app = app(&SessionLayer::new(MemoryStore::new()), &operators);
        let (mut ada, mut eve) = (Visitor::of(app.clone()), Visitor::of(app));
        ada.post("/sign-in", "name=ada").await.is(204);
        eve.post("/operator/sign-in", "name=eve").await.is(204);
        (ada, eve)
    }

    #[tokio::test]
    async fn an_operator_ends_one_all_of_one_or_everybodys() {
        let (mut ada, mut eve) = opened().await;
        let listed = eve.get("/operator/sessions?name=ada").await.is(200).text;
        let one = format!("of={}&reason=stolen", listed.trim());
        for (path, form, told) in [
            ("/operator/end", one.as_str(), "It has ended.\n"),
            ("/operator/end-all", "of=ada&reason=closed", "1 have ended.\n"),
            ("/operator/end-everybodys", "reason=stolen+backup", "All have ended.\n"),
        ] {
            assert_eq!(ada.get("/").await.text, "ada", "{path}");
            assert_eq!(eve.post(path, form).await.is(200).text, told);
            assert_eq!(ada.get("/").await.text, "nobody", "{path}");
            ada.post("/sign-in", "name=ada").await.is(204);
        }
        eve.get("/operator/sessions?name=ada").await.is(200);
    }

    #[tokio::test]
    async fn a_visitor_is_no_operator() {
        let (mut ada, _) = opened().await;
        ada.cookie = ada.cookie.replace("__Host-id", "__Host-operator");
        for path in ["/operator/end", "/operator/end-all", "/operator/end-everybodys"] {
            ada.post(path, "of=ada&reason=why").await.is(401);
        }
        ada.get("/operator/sessions?name=ada").await.is(401);
    }
}
