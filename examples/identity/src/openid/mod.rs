//! Sign-in through an OpenID provider, and its logout behind the browser's back (OWASP ASVS 5.0, 7.6.1).
//!
//! The [`provider`] here is a pretended one, in this process, so that the program runs without a network. Talk to a real
//! one with a library for OpenID Connect. What belongs to the session is the same.

mod provider;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Result};
use axum::routing::{get, post};
use axum::{Form, Router};
use cloakroom::{Attribute, Handle, Order, Session, SessionLayer, SessionRegistry};
use serde::{Deserialize, Serialize};

use self::provider::{Provider, challenge};
use crate::random::random;

pub(crate) fn app(layer: &SessionLayer) -> Router {
    let shop = Shop { provider: Arc::default(), registry: layer.registry(), signed_in: Arc::default() };
    Router::new()
        .route("/", get(greet))
        .route("/sign-in", get(sign_in))
        .route("/callback", get(callback))
        .layer(layer.clone())
        .route("/back-channel-logout", post(back_channel_logout))
        .with_state(shop.clone())
        .merge(provider::routes(shop.provider))
}

#[derive(Clone)]
struct Shop {
    provider: Arc<Provider>,
    registry: SessionRegistry,
    /// The provider's `sid` of each session here: with several servers a table of the database. A handle opens nothing, and
    /// that of a session which is over does no harm.
    signed_in: Arc<Mutex<HashMap<String, Handle>>>,
}

impl Shop {
    fn signed_in(&self) -> std::sync::MutexGuard<'_, HashMap<String, Handle>> {
        self.signed_in.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the answer of the provider must fit (RFC 6749, 10.12; RFC 7636; OpenID Connect Core 1.0, 3.1.2.1).
#[derive(Serialize, Deserialize)]
struct Journey {
    state: String,
    nonce: String,
    verifier: String,
}

impl Attribute for Journey {
    const NAME: &'static str = "journey";
    const TTL: Option<Duration> = Some(Duration::from_secs(10 * 60));
}

/// There as long as the provider vouches for the sign-in.
#[derive(Serialize, Deserialize)]
struct Vouched;

impl Attribute for Vouched {
    const NAME: &'static str = "vouched";
}

/// Sends the visitor to the provider. The way back is a link from another site: the cookie has to be `SameSite=Lax`, as it is
/// unless told otherwise.
async fn sign_in(session: Session) -> Result<Redirect> {
    let journey = Journey { state: random()?, nonce: random()?, verifier: random()? };
    session.set(&journey)?;
    let Journey { state, nonce, verifier } = journey;
    let challenge = challenge(&verifier);
    Ok(Redirect::to(&format!("/provider?state={state}&nonce={nonce}&code_challenge={challenge}")))
}

#[derive(Deserialize)]
struct Callback {
    state: String,
    code: String,
}

/// Takes the visitor back, once for each journey that began in this same session.
async fn callback(
    session: Session,
    State(shop): State<Shop>,
    Query(back): Query<Callback>,
) -> Result<Redirect> {
    let journey = session.take_once::<Journey>().await?.filter(|journey| journey.state == back.state);
    let journey = journey.ok_or(StatusCode::BAD_REQUEST)?;
    let claims = shop.provider.exchange(&back.code, &journey.verifier);
    let claims = claims.filter(|claims| claims.nonce == journey.nonce).ok_or(StatusCode::BAD_REQUEST)?;
    session.sign_in(claims.subject)?;
    session.set_for(&Vouched, claims.lasts)?;
    // Stored before the provider may ask for its end.
    session.commit().await?;
    if let Some(handle) = session.handle() {
        shop.signed_in().insert(claims.sid, handle);
    }
    Ok(Redirect::to("/"))
}

async fn greet(session: Session) -> Result<String> {
    let Some(name) = session.principal() else {
        return Ok("nobody".to_owned());
    };
    if !session.contains::<Vouched>().await? {
        session.sign_out();
        return Ok("nobody any more".to_owned());
    }
    Ok(name.to_string())
}

#[derive(Deserialize)]
struct Logout {
    /// With a real provider a signed token: check its signature, `iss`, `aud`, `iat`, `events` and `jti` before its `sid` is
    /// believed (OpenID Connect Back-Channel Logout 1.0, 2.6).
    logout_token: String,
}

/// Ends the session that the provider names. The visitor's browser has no part in this, and no cookie comes with it.
async fn back_channel_logout(State(shop): State<Shop>, Form(logout): Form<Logout>) -> Result<StatusCode> {
    let sid = shop.provider.verify(&logout.logout_token).ok_or(StatusCode::BAD_REQUEST)?;
    let handle = shop.signed_in().get(&sid).copied();
    if let Some(handle) = handle {
        let order = Order::new("the provider", "back-channel logout")?;
        // An error is a 503: the provider asks again, and the handle is still known.
        shop.registry.invalidate(handle, &order).await?;
        shop.signed_in().remove(&sid);
    }
    Ok(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visitor::Visitor;

    /// Goes to the provider and comes back, and returns the address that it comes back to.
    async fn journey(visitor: &mut Visitor) -> String {
        let there = visitor.get("/sign-in").await.leads_to();
        visitor.get(&there).await.leads_to()
    }

    #[tokio::test]
    async fn the_way_to_the_provider_and_back_signs_in_once() {
        let (mut visitor, _) = Visitor::with_clock(app);
        let back = journey(&mut visitor).await;
        let before = visitor.cookie.clone();
        assert_eq!(visitor.get(&back).await.leads_to(), "/");
        assert_ne!(visitor.cookie, before, "a sign-in has a new ticket");
        assert_eq!(visitor.get("/").await.text, "ada");
        visitor.get(&back).await.is(400);
    }

    /// Somebody gets a visitor to follow the way back of a journey that is not theirs: a sign-in as somebody else.
    #[tokio::test]
    async fn a_journey_of_another_session_or_another_state_signs_nobody_in() {
        let (mut mallory, _) = Visitor::with_clock(app);
        let mut ada = mallory.another();
        let planted = journey(&mut mallory).await;
        ada.get(&planted).await.is(400);
        let _ = ada.get("/sign-in").await.leads_to();
        ada.get(&planted).await.is(400);
        assert_eq!(ada.get("/").await.text, "nobody");
        mallory.get(&format!("{planted}x")).await.is(400);
    }

    #[tokio::test]
    async fn the_provider_ends_a_session_without_its_browser() {
        let (mut visitor, _) = Visitor::with_clock(app);
        let back = journey(&mut visitor).await;
        visitor.get(&back).await;
        let mut provider = visitor.another();
        provider.post("/back-channel-logout", "logout_token=forged").await.is(400);
        assert_eq!(visitor.get("/").await.text, "ada");
        provider.post("/back-channel-logout", "logout_token=signed:1").await.is(200);
        assert_eq!(visitor.get("/").await.text, "nobody");
        provider.post("/back-channel-logout", "logout_token=signed:1").await.is(200);
    }

    #[tokio::test]
    async fn a_sign_in_lasts_no_longer_than_the_provider_vouches_for_it() {
        let (mut visitor, clock) = Visitor::with_clock(app);
        let back = journey(&mut visitor).await;
        visitor.get(&back).await;
        clock.advance(provider::LASTS - Duration::from_secs(1));
        assert_eq!(visitor.get("/").await.text, "ada");
        clock.advance(Duration::from_secs(1));
        assert_eq!(visitor.get("/").await.text, "nobody any more");
        assert_eq!(visitor.get("/").await.text, "nobody");
    }
}
