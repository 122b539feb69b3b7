//! Where things are kept. A bucket is a 256th of all sessions, by the last byte of the handle; its two digits stand in
//! braces, so that in a cluster all keys of a bucket are on the same server, and one script can use them together.

use cloakroom_core::{Handle, Principal};
use sha2::{Digest as _, Sha256};

use crate::namespace::Namespace;

/// How many buckets there are.
pub(crate) const BUCKETS: usize = 256;

/// The length of a handle as text, which is how every session's key ends.
const HANDLE: usize = 36;

/// Bytes of a principal's hash that are part of its key.
const DIGEST: usize = 16;

/// What there is of each bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// The epoch in which the live sessions were created.
    Epoch,
    /// The sessions by deadline.
    Index,
    /// The sessions that are left from an epoch that is over.
    Left,
}

impl Of {
    fn letter(self) -> u8 {
        match self {
            Self::Epoch => b'e',
            Self::Index => b'x',
            Self::Left => b'o',
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Keys {
    namespace: Namespace,
}

/// The keys that an operation on one session needs.
#[derive(Debug)]
pub(crate) struct SessionKeys {
    /// The epoch's key, and then the session's.
    bytes: Vec<u8>,
    /// The length of what comes before the handle, or the letter.
    prefix: usize,
}

impl SessionKeys {
    pub(crate) fn session(&self) -> &[u8] {
        &self.bytes[self.prefix + 1..]
    }

    pub(crate) fn epoch(&self) -> &[u8] {
        &self.bytes[..=self.prefix]
    }

    pub(crate) fn bucket(&self, of: Of) -> Vec<u8> {
        let mut key = self.epoch().to_vec();
        key[self.prefix] = of.letter();
        key
    }
}

impl Keys {
    pub(crate) fn new(namespace: Namespace) -> Self {
        Self { namespace }
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Returns the keys of a session: `cloakroom:{2b}:` and the handle, of which the bucket is the last two digits.
    pub(crate) fn session(&self, handle: Handle) -> SessionKeys {
        let [.., last] = *handle.as_bytes();
        let prefix = self.namespace.as_str().len() + 6;
        let mut bytes = Vec::with_capacity(2 * prefix + 1 + HANDLE);
        self.begin(&mut bytes, last);
        bytes.push(Of::Epoch.letter());
        bytes.extend_from_within(..prefix);
        bytes.extend_from_slice(&text(handle));
        SessionKeys { bytes, prefix }
    }

    /// Returns a key of a bucket.
    pub(crate) fn bucket(&self, bucket: u8, of: Of) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.namespace.as_str().len() + 7);
        self.begin(&mut key, bucket);
        key.push(of.letter());
        key
    }

    /// Returns the channel on which changes are told; the scripts make the same of a session's key.
    pub(crate) fn channel(&self) -> String {
        format!("{}:f", self.namespace.as_str())
    }

    fn begin(&self, key: &mut Vec<u8>, bucket: u8) {
        let [high, low] = digits(bucket);
        key.extend_from_slice(self.namespace.as_str().as_bytes());
        key.extend_from_slice(&[b':', b'{', high, low, b'}', b':']);
    }

    /// Returns the key of a principal's sessions. Their name is hashed, so that the key has a bounded length, and no braces.
    pub(crate) fn principal(&self, principal: &Principal) -> Vec<u8> {
        self.of_principal(principal, b's')
    }

    /// Returns the key that says whose turn it is to sign a principal in.
    pub(crate) fn turn(&self, principal: &Principal) -> Vec<u8> {
        self.of_principal(principal, b't')
    }

    fn of_principal(&self, principal: &Principal, what: u8) -> Vec<u8> {
        let digest = Sha256::digest(principal.as_str());
        let mut key = format!("{}:{{p", self.namespace.as_str()).into_bytes();
        digest[..DIGEST].iter().for_each(|byte| key.extend_from_slice(&digits(*byte)));
        key.extend_from_slice(&[b'}', b':', what]);
        key
    }
}

/// Returns a handle as it is written in a key, which costs half as much as formatting it.
fn text(handle: Handle) -> [u8; HANDLE] {
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let mut text = [b'-'; HANDLE];
    for (byte, at) in handle.as_bytes().iter().zip(PLACES) {
        [text[at], text[at + 1]] = digits(*byte);
    }
    text
}

/// Returns a byte as two hexadecimal digits.
fn digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

/// Returns a key beside another one, on the same server.
pub(crate) fn beside(key: &[u8], letter: u8) -> Vec<u8> {
    let end = key.iter().position(|byte| *byte == b'}').map_or(key.len(), |close| close + 1);
    [&key[..end], &[b':', letter]].concat()
}

/// Returns the same key beside what is in each bucket.
#[cfg(feature = "cluster")]
pub(crate) fn beside_each(key: &[u8], letter: u8) -> impl Iterator<Item = Vec<u8>> {
    let end = key.iter().position(|byte| *byte == b'{').unwrap_or(key.len());
    (0..=u8::MAX).map(move |bucket| {
        let [high, low] = digits(bucket);
        [&key[..end], &[b'{', high, low, b'}', b':', letter]].concat()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_bucket_have_its_digits_in_braces() {
        let keys = Keys::new(Namespace::default());
        let handle: Handle = "550e8400-e29b-41d4-a716-44665544a1f0".parse().unwrap();
        let session = keys.session(handle);
        assert_eq!(session.session(), b"cloakroom:{f0}:550e8400-e29b-41d4-a716-44665544a1f0");
        assert_eq!(session.epoch(), b"cloakroom:{f0}:e");
        for of in [Of::Epoch, Of::Index, Of::Left] {
            assert_eq!(session.bucket(of), keys.bucket(0xf0, of));
        }
        assert_eq!(keys.bucket(0x0a, Of::Index), b"cloakroom:{0a}:x");
        assert_eq!(beside(session.session(), b'w'), b"cloakroom:{f0}:w");
        #[cfg(feature = "cluster")]
        assert_eq!(beside_each(session.session(), b'w').nth(0x0a).unwrap(), b"cloakroom:{0a}:w");
    }

    #[test]
    fn a_principal_does_not_show_in_its_key() {
        let keys = Keys::new(Namespace::default());
        let key = String::from_utf8(keys.principal(&Principal::from_static("ada}{"))).unwrap();
        assert!(!key.contains("ada"), "{key}");
        assert_eq!((key.matches('{').count(), key.matches('}').count()), (1, 1));
        assert_ne!(keys.principal(&Principal::from_static("ada")), keys.turn(&Principal::from_static("ada")));
    }
}
