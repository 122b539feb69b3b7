//! Somebody who knows who people are. Here everybody is Ada, and nobody is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{Redirect, Result};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::random::random;

/// How long it vouches for a sign-in.
pub(super) const LASTS: Duration = Duration::from_secs(20 * 60);

/// What it says of somebody, in a real one the ID token.
pub(super) struct Claims {
    pub(super) subject: String,
    /// Its own session.
    pub(super) sid: String,
    pub(super) nonce: String,
    pub(super) lasts: Duration,
}

#[derive(Default)]
pub(super) struct Provider {
    given: Mutex<HashMap<String, Asked>>,
}

#[derive(Deserialize)]
struct Asked {
    state: String,
    nonce: String,
    code_challenge: String,
}

pub(super) fn routes(provider: Arc<Provider>) -> Router {
    Router::new().route("/provider", get(authorize)).with_state(provider)
}

async fn authorize(State(provider): State<Arc<Provider>>, Query(asked): Query<Asked>) -> Result<Redirect> {
    let code = random()?;
    let back = format!("/callback?code={code}&state={}", asked.state);
    provider.given().insert(code, asked);
    Ok(Redirect::to(&back))
}

impl Provider {
    /// Gives its claims for a code, once, to whoever began the journey.
    pub(super) fn exchange(&self, code: &str, verifier: &str) -> Option<Claims> {
        let asked = self.given().remove(code)?;
        (asked.code_challenge == challenge(verifier)).then(|| Claims {
            subject: "ada".to_owned(),
            sid: "1".to_owned(),
            nonce: asked.nonce,
            lasts: LASTS,
        })
    }

    /// Checks a logout token, and returns the session that it is about.
    pub(super) fn verify(&self, token: &str) -> Option<String> {
        token.strip_prefix("signed:").map(str::to_owned)
    }

    fn given(&self) -> MutexGuard<'_, HashMap<String, Asked>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what is shown of a verifier beforehand (RFC 7636, 4.2).
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}
