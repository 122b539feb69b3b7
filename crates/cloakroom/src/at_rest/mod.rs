//! Attribute values between the middleware, which knows them as plain encodings, and the store, which may get them
//! encrypted.

#[cfg(feature = "encryption")]
mod cipher;
#[cfg(feature = "encryption")]
mod encryption;
#[cfg(feature = "encryption")]
mod key;
mod unopened;

use std::fmt;
#[cfg(feature = "encryption")]
use std::sync::Arc;

use cloakroom_core::{Commit, Error, Handle, StoredAttribute};

#[cfg(feature = "encryption")]
pub(crate) use self::cipher::Cipher;
#[cfg(feature = "encryption")]
pub use self::encryption::Encryption;
#[cfg(feature = "encryption")]
pub use self::key::{EncryptionKey, InvalidEncryptionKey};
pub(crate) use self::unopened::Unopened;

/// Begins every value that is not a plain encoding: the one byte that MessagePack never uses.
const NOT_PLAIN: u8 = 0xc1;

/// How values are kept in the store: as they are, or encrypted.
#[derive(Clone, Default)]
pub(crate) struct AtRest {
    #[cfg(feature = "encryption")]
    cipher: Option<Arc<Cipher>>,
}

impl AtRest {
    #[cfg(feature = "encryption")]
    pub(crate) fn encrypted(cipher: Cipher) -> Self {
        Self { cipher: Some(Arc::new(cipher)) }
    }

    /// Returns the commit as the store is to have it; `None` if that is as it is.
    #[inline]
    pub(crate) fn seal(&self, commit: &Commit) -> Result<Option<Box<Commit>>, Error> {
        #[cfg(feature = "encryption")]
        if let Some(cipher) = &self.cipher {
            return cipher.seal_all(commit);
        }
        let _ = commit;
        Ok(None)
    }

    /// Returns what opens the values of one session.
    #[inline]
    pub(crate) fn opener(&self, handle: Handle) -> Opener {
        let _ = handle;
        Opener {
            #[cfg(feature = "encryption")]
            cipher: self.cipher.as_ref().map(|cipher| (Arc::clone(cipher), handle)),
        }
    }

    /// Turns what the store holds of a session into plain encodings. A value that does not open is marked, and will be
    /// undecodable: an error of whoever reads it, and of nobody else.
    #[inline]
    pub(crate) fn open(&self, handle: Handle, attributes: &mut [StoredAttribute]) {
        #[cfg(feature = "encryption")]
        if let Some(cipher) = &self.cipher {
            attributes.iter_mut().for_each(|attribute| cipher.open_in_place(handle, attribute));
        }
        let _ = (handle, attributes);
    }

    /// Returns how many bytes longer a value is in the store.
    #[inline]
    pub(crate) fn overhead(&self) -> usize {
        #[cfg(feature = "encryption")]
        if self.cipher.is_some() {
            return Cipher::OVERHEAD;
        }
        0
    }
}

/// Opens the values of one session, each when somebody first looks at it.
#[derive(Clone, Default)]
pub(crate) struct Opener {
    #[cfg(feature = "encryption")]
    cipher: Option<(Arc<Cipher>, Handle)>,
}

impl Opener {
    /// Turns those values that need no key into plain encodings, or marks them.
    #[inline]
    pub(crate) fn prepare(&self, attributes: &mut [StoredAttribute]) {
        #[cfg(feature = "encryption")]
        if let Some((cipher, handle)) = &self.cipher {
            let unsealed = attributes.iter_mut().filter(|attribute| !is_sealed(&attribute.value));
            unsealed.for_each(|attribute| cipher.open_in_place(*handle, attribute));
        }
        let _ = attributes;
    }

    /// Turns a value that was prepared into a plain encoding, or marks it. Nothing happens to one that was opened before.
    #[inline]
    pub(crate) fn open(&self, attribute: &mut StoredAttribute) {
        #[cfg(feature = "encryption")]
        if let Some((cipher, handle)) = &self.cipher
            && is_sealed(&attribute.value)
        {
            cipher.open_in_place(*handle, attribute);
        }
        let _ = attribute;
    }

    /// Returns whether there may be anything to open.
    #[inline]
    pub(crate) fn is_needed(&self) -> bool {
        #[cfg(feature = "encryption")]
        return self.cipher.is_some();
        #[cfg(not(feature = "encryption"))]
        false
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("is_needed", &self.is_needed()).finish()
    }
}

/// Returns whether a value is neither a plain encoding nor the mark of one that did not open, which has two bytes.
#[cfg(feature = "encryption")]
fn is_sealed(value: &[u8]) -> bool {
    matches!(value, [NOT_PLAIN, _, _, ..])
}

impl fmt::Debug for AtRest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.overhead() > 0 { "Encrypted" } else { "Plain" })
    }
}
