//! What fuzz targets need of the inside. Built with `--cfg fuzzing` only, as cargo-fuzz does; no part of the API.

use bytes::Bytes;
use cloakroom_core::{Handle, Name, Ticket};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Encryption;
use crate::at_rest::Cipher;
use crate::cookie::{Cookies, tickets as find};
use crate::error::Error;

const NAME: Name = Name::from_static("it");

/// Returns the tickets in `Cookie` lines.
#[must_use]
pub fn tickets(lines: &[HeaderValue], name: &str) -> Vec<Ticket> {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(http::header::COOKIE, line.clone());
    }
    find(&Cookies::of(&headers, None), name, None).collect()
}

/// Encodes a value.
///
/// # Errors
///
/// When it cannot be encoded.
pub fn encode<T: Serialize>(value: &T) -> Result<Bytes, Error> {
    crate::codec::encode(&NAME, value)
}

/// Decodes a value.
///
/// # Errors
///
/// When it cannot be decoded.
pub fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T, Error> {
    crate::codec::decode(&NAME, value)
}

/// Encrypts and decrypts values.
#[expect(missing_debug_implementations, reason = "no part of the API")]
pub struct Sealer(Cipher);

impl Sealer {
    /// Makes one for a namespace.
    #[must_use]
    pub fn new(encryption: Encryption, namespace: &str) -> Self {
        Self(Cipher::new(encryption, namespace.into()))
    }

    /// Encrypts a value.
    ///
    /// # Panics
    ///
    /// When the operating system has no random bytes.
    #[must_use]
    pub fn seal(&self, handle: Handle, name: &Name, plain: &[u8]) -> Bytes {
        let Ok(sealed) = self.0.seal(handle, name, plain) else { panic!("no random bytes") };
        sealed
    }

    /// Decrypts a value, if it opens.
    #[must_use]
    pub fn open(&self, handle: Handle, name: &Name, value: &[u8]) -> Option<Vec<u8>> {
        let opened = self.0.open(handle, name, value).ok()?;
        Some(opened.map_or_else(|| value.to_vec(), |plain| plain.to_vec()))
    }
}
