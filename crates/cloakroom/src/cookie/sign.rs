use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::Ticket;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::SigningKey;

/// Signs tickets, or versions seen, with its first key, and knows those that any of its keys has signed.
///
/// A signature is an HMAC-SHA-256 (RFC 2104) of the text, cut to its first 128 bits (RFC 2104, 5, allows half the
/// hash), as 22 characters of URL-safe base64. What it is for and the cookie's name are part of the key, so that a version is no ticket, and
/// a cookie of another layer with the same keys is not genuine here.
#[derive(Clone)]
pub(crate) struct Signer {
    macs: Vec<Hmac<Sha256>>,
}

/// The bytes of a signature.
const BYTES: usize = 16;

impl Signer {
    /// The length of a signature as text.
    pub(crate) const LEN: usize = 22;

    /// Makes a signer for the tickets in the cookie of this name.
    pub(crate) fn new(keys: &[SigningKey], cookie: &str) -> Self {
        Self::of(keys, b"cloakroom ticket\0", cookie)
    }

    /// Makes a signer for the versions seen of the sessions in the cookie of this name.
    pub(crate) fn of_versions(keys: &[SigningKey], cookie: &str) -> Self {
        Self::of(keys, b"cloakroom version\0", cookie)
    }

    fn of(keys: &[SigningKey], purpose: &[u8], cookie: &str) -> Self {
        Self { macs: keys.iter().map(|key| derived(key, purpose, cookie)).collect() }
    }

    /// Appends its signature to a text.
    pub(crate) fn sign(&self, text: &mut String) {
        if let Some(mac) = self.macs.first() {
            let code = mac.clone().chain_update(text.as_bytes()).finalize().into_bytes();
            URL_SAFE_NO_PAD.encode_string(&code[..BYTES], text);
        }
    }

    /// Returns the ticket's text in a value that was signed with one of the keys, and `None` for any other. What has the
    /// length of a signed ticket counts down `to_check`; at zero nothing is genuine any more.
    pub(crate) fn genuine<'a>(&self, value: &'a [u8], to_check: &mut usize) -> Option<&'a [u8]> {
        if value.len() != Ticket::LEN + Self::LEN {
            return None;
        }
        *to_check = to_check.checked_sub(1)?;
        let (text, signature) = value.split_at(Ticket::LEN);
        self.has_signed(text, signature).then_some(text)
    }

    /// Returns whether a signature is one of this text by one of the keys.
    #[inline]
    pub(crate) fn has_signed(&self, text: &[u8], signature: &[u8]) -> bool {
        // As many as the decoder asks for: it reckons in whole quartets.
        let mut decoded = [0; 18];
        let length = URL_SAFE_NO_PAD.decode_slice(signature, &mut decoded).unwrap_or_default();
        let Some(code) = decoded[..length].first_chunk::<BYTES>() else { return false };
        let is_of = |mac: &Hmac<Sha256>| mac.clone().chain_update(text).verify_truncated_left(code).is_ok();
        self.macs.iter().any(is_of)
    }
}

fn derived(key: &SigningKey, purpose: &[u8], cookie: &str) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new(key.as_bytes().into());
    let derived = mac.chain_update(purpose).chain_update(cookie.as_bytes()).finalize().into_bytes();
    let mut block = [0; SigningKey::LEN];
    block[..derived.len()].copy_from_slice(&derived);
    Hmac::new(&block.into())
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} keys)", self.macs.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(first: u8) -> SigningKey {
        SigningKey::from_bytes(std::array::from_fn(|index| first + index as u8))
    }

    fn signed(signer: &Signer, text: &str) -> String {
        let mut text = text.to_owned();
        signer.sign(&mut text);
        text
    }

    fn is_genuine(signer: &Signer, value: &str) -> bool {
        signer.genuine(value.as_bytes(), &mut 1).is_some()
    }

    #[test]
    fn the_signature_is_that_of_another_implementation() {
        let ticket = "A".repeat(44);
        // Python: hmac.digest(hmac.digest(key, b"cloakroom ticket\0__Host-id", "sha256"), ticket, "sha256")[:16]
        let expected = format!("{ticket}Bzeqk5TxEhXzAGvvOdHgfQ");
        assert_eq!(signed(&Signer::new(&[key(0)], "__Host-id"), &ticket), expected);
    }

    #[test]
    fn the_first_key_signs_and_all_verify() {
        let ticket = Ticket::generate().unwrap().expose();
        let [old, new] = [&[key(1)][..], &[key(2), key(1)]].map(|keys| Signer::new(keys, "id"));
        let newest = Signer::new(&[key(2)], "id");
        assert!(is_genuine(&new, &signed(&old, &ticket)));
        assert!(is_genuine(&newest, &signed(&new, &ticket)));
        assert!(!is_genuine(&old, &signed(&new, &ticket)));
    }

    #[test]
    fn nothing_else_is_genuine() {
        let signer = Signer::new(&[key(1)], "id");
        let ticket = Ticket::generate().unwrap().expose();
        let value = signed(&signer, &ticket);
        assert!(is_genuine(&signer, &value));
        assert!(!is_genuine(&signer, &ticket));
        assert!(!is_genuine(&signer, &value[..65]));
        assert!(!is_genuine(&signer, &format!("{value}=")));
        assert!(!is_genuine(&Signer::new(&[key(1)], "id2"), &value), "the cookie's name is signed too");
        for place in 0..value.len() {
            let other = if value.as_bytes()[place] == b'A' { "Q" } else { "A" };
            let mut changed = value.clone();
            changed.replace_range(place..=place, other);
            assert!(!is_genuine(&signer, &changed), "{place}");
        }
    }

    #[test]
    fn a_version_is_signed_with_another_key_than_a_ticket() {
        let keys = [key(1)];
        let (text, mut value) = ("A".repeat(44), "A".repeat(44));
        Signer::of_versions(&keys, "id").sign(&mut value);
        let (_, signature) = value.split_at(44);
        assert!(Signer::of_versions(&keys, "id").has_signed(text.as_bytes(), signature.as_bytes()));
        assert!(!is_genuine(&Signer::new(&keys, "id"), &value));
        assert!(!is_genuine(&Signer::new(&keys, "id-seen"), &value));
        assert!(!Signer::of_versions(&keys, "id2").has_signed(text.as_bytes(), signature.as_bytes()));
    }

    #[test]
    fn the_number_of_signatures_that_are_checked_is_bounded() {
        let signer = Signer::new(&[key(1)], "id");
        let value = signed(&signer, &"A".repeat(44));
        let mut to_check = 1;
        assert!(signer.genuine(b"short", &mut to_check).is_none());
        assert!(
            signer.genuine(value.as_bytes(), &mut to_check).is_some(),
            "what is too short was not checked"
        );
        assert!(signer.genuine(value.as_bytes(), &mut to_check).is_none());
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", Signer::new(&[key(1), key(2)], "id")), "Signer(2 keys)");
    }
}
