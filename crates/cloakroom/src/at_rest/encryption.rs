use std::fmt;

use super::key::{EncryptionKey, KeyId};

/// How attribute values are encrypted in the store: see [`SessionLayer::encrypt`](crate::SessionLayer::encrypt).
///
/// # Keys
///
/// The first key encrypts; it and the others decrypt. To replace a key:
///
/// 1. give the new one to every server with [`also_opens`](Self::also_opens),
/// 2. then make it the first everywhere, and the old one a further one: values are encrypted with the new one as they
///    are written,
/// 3. once the last session that was written before is over, leave the old one out.
///
/// A value whose key is gone is undecodable: see [`on_undecodable`](crate::SessionLayer::on_undecodable).
///
/// # What is encrypted
///
/// The values, and no more: names, principals, labels, times and sizes are plain. The cipher is AES-256-GCM, under a key
/// for each value, which HKDF-SHA-256 (RFC 5869) derives from yours and from half of 24 random bytes; the other half is
/// the nonce. With random 96-bit nonces alone, one key would be good for 2^32 values (NIST SP 800-38D, 8.3); with 192
/// random bits there is no such limit in practice. That is the construction of C2SP's XAES-256-GCM, made of what OWASP
/// ASVS 5.0, appendix C, approves.
///
/// The namespace, the session's handle and the attribute's name are authenticated with the value, so that one that is
/// moved to another place does not open. Whoever can write to the store can still put back an older value of the same
/// attribute of the same session.
///
/// Each value is 46 bytes longer in the store, which count for the limits.
///
/// ```
/// use cloakroom::{Encryption, EncryptionKey, MemoryStore, SessionLayer};
///
/// # let new = "8f0c1d2e3b4a59687786958493a2b1c0".repeat(2);
/// # let old = "0f0c1d2e3b4a59687786958493a2b1c0".repeat(2);
/// let encryption = Encryption::with(new.parse()?).also_opens(old.parse()?);
/// let layer = SessionLayer::new(MemoryStore::new()).encrypt(encryption);
/// # let _ = layer;
/// # Ok::<(), cloakroom::InvalidEncryptionKey>(())
/// ```
#[derive(Clone)]
pub struct Encryption {
    first: EncryptionKey,
    others: Vec<EncryptionKey>,
    accepts_plain: bool,
}

impl Encryption {
    /// Encrypts with this key.
    #[must_use]
    pub fn with(key: EncryptionKey) -> Self {
        Self { first: key, others: Vec::new(), accepts_plain: false }
    }

    /// Opens what is encrypted with this key, too.
    #[must_use]
    pub fn also_opens(mut self, key: EncryptionKey) -> Self {
        self.others.push(key);
        self
    }

    /// Takes values that are not encrypted as they are: those from before encryption was switched on. They are encrypted
    /// when they are next written. By default such a value is undecodable.
    ///
    /// **For the time of such a change only**: until it is over, whoever can write to the store can plant values.
    #[must_use]
    pub fn accept_plain(mut self) -> Self {
        self.accepts_plain = true;
        self
    }

    pub(super) fn first(&self) -> &EncryptionKey {
        &self.first
    }

    pub(super) fn accepts_plain(&self) -> bool {
        self.accepts_plain
    }

    /// Returns the keys that have this id.
    pub(super) fn keys(&self, id: KeyId) -> impl Iterator<Item = &EncryptionKey> {
        std::iter::once(&self.first).chain(&self.others).filter(move |key| key.id() == id)
    }
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = 1 + self.others.len();
        f.debug_struct("Encryption").field("keys", &keys).field("accepts_plain", &self.accepts_plain).finish()
    }
}
