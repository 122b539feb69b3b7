use axum::http::HeaderMap;
use axum::http::header::COOKIE as COOKIE_HEADER;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::super::COOKIE;
use benches::Result;

/// What the cookie holds: which session, and the secret that opens it.
pub(super) struct Ticket {
    pub(super) handle: [u8; 16],
    secret: [u8; 16],
    /// The SHA-256 of the secret, which is what the store knows of it.
    pub(super) proof: [u8; 32],
}

impl Ticket {
    pub(super) fn generate() -> Result<Self> {
        let (mut handle, mut secret) = ([0; 16], [0; 16]);
        getrandom::fill(&mut handle)?;
        getrandom::fill(&mut secret)?;
        Ok(Self::new(handle, secret))
    }

    /// Reads the ticket of a request.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let line = headers.get(COOKIE_HEADER)?.to_str().ok()?;
        let cookie = |pair: &str| pair.strip_prefix(COOKIE)?.strip_prefix('=').map(str::to_owned);
        let mut text = line.split("; ").filter_map(cookie);
        let mut bytes = [0; 32];
        let length = URL_SAFE_NO_PAD.decode_slice(text.next()?, &mut bytes).ok()?;
        let (handle, secret) = bytes[..length].split_first_chunk()?;
        Some(Self::new(*handle, secret.try_into().ok()?))
    }

    fn new(handle: [u8; 16], secret: [u8; 16]) -> Self {
        Self { handle, secret, proof: Sha256::digest(secret).into() }
    }

    pub(super) fn cookie(&self) -> String {
        let both = [self.handle, self.secret].concat();
        format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax", URL_SAFE_NO_PAD.encode(both))
    }
}
