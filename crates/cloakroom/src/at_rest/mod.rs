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

    /// Turns what the store holds of a session into plain encodings. A value that does not open is marked, and will be
    /// undecodable: an error of whoever reads it, and of nobody else.
    #[inline]
    pub(crate) fn open(&self, handle: Handle, attributes: &mut [StoredAttribute]) {
        #[cfg(feature = "encryption")]
        if let Some(cipher) = &self.cipher {
            cipher.open_all(handle, attributes);
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

impl fmt::Debug for AtRest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.overhead() > 0 { "Encrypted" } else { "Plain" })
    }
}
