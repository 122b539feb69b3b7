//! Values as they are in the store when they are encrypted:
//!
//! | bytes | |
//! |---|---|
//! | 1 | `0xc1`, with which no MessagePack begins |
//! | 1 | the format: 1 |
//! | 4 | the key's id |
//! | 24 | random: 12 for the value's key, 12 as the nonce |
//! | as many as the value has | the value, encrypted |
//! | 16 | the tag |

use std::sync::Arc;

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use bytes::Bytes;
use cloakroom_core::{AttributeChange, Commit, Edit, Error, ErrorKind, Handle, Name, StoredAttribute};

use super::encryption::Encryption;
use super::key::{EncryptionKey, KeyId, NONCE};
use super::{NOT_PLAIN, Unopened};

const FORMAT: u8 = 1;
const HEAD: usize = 2 + size_of::<KeyId>() + NONCE;
const TAG: usize = 16;

/// Encrypts and decrypts the values of one store.
pub(crate) struct Cipher {
    encryption: Encryption,
    namespace: Arc<str>,
}

impl Cipher {
    pub(super) const OVERHEAD: usize = HEAD + TAG;

    pub(crate) fn new(encryption: Encryption, namespace: Arc<str>) -> Self {
        Self { encryption, namespace }
    }

    /// Returns a commit with its values encrypted; `None` if it has none.
    pub(super) fn seal_all(&self, commit: &Commit) -> Result<Option<Box<Commit>>, Error> {
        let sets = |change: &AttributeChange| matches!(change.edit, Edit::Set { .. });
        if !commit.changes.attributes.iter().any(sets) {
            return Ok(None);
        }
        let mut sealed = Box::new(commit.clone());
        for change in &mut sealed.changes.attributes {
            if let Edit::Set { value, .. } = &mut change.edit {
                *value = self.seal(commit.guard.handle, &change.name, value)?;
            }
        }
        Ok(Some(sealed))
    }

    /// Decrypts an attribute's value, or marks it as one that does not open.
    pub(super) fn open_in_place(&self, handle: Handle, attribute: &mut StoredAttribute) {
        match self.open(handle, &attribute.name, &attribute.value) {
            Ok(Some(plain)) => attribute.value = plain,
            Ok(None) => {}
            Err(unopened) => attribute.value = unopened.mark(),
        }
    }

    /// Encrypts a value.
    pub(crate) fn seal(&self, handle: Handle, name: &Name, plain: &[u8]) -> Result<Bytes, Error> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| Error::new(ErrorKind::Other, "encrypt", error))?;
        let key = self.encryption.first();
        let mut out = Vec::with_capacity(plain.len() + Self::OVERHEAD);
        out.extend_from_slice(&[NOT_PLAIN, FORMAT]);
        out.extend_from_slice(&key.id());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(plain);
        let beside = self.beside(key.id(), handle, name);
        let tag = aes(key, &nonce)
            .encrypt_inout_detached(&gcm_nonce(&nonce), &beside, (&mut out[HEAD..]).into())
            .map_err(|_| Error::of(ErrorKind::Other, "encrypt"))?;
        out.extend_from_slice(&tag);
        Ok(out.into())
    }

    /// Decrypts a value; `None` if it is plain, and may be.
    pub(crate) fn open(&self, handle: Handle, name: &Name, value: &[u8]) -> Result<Option<Bytes>, Unopened> {
        let rest = match value {
            [NOT_PLAIN, FORMAT, rest @ ..] => rest,
            [NOT_PLAIN, _, ..] => return Err(Unopened::Format),
            [NOT_PLAIN] => return Err(Unopened::Altered),
            _ if self.encryption.accepts_plain() => return Ok(None),
            _ => return Err(Unopened::Plain),
        };
        let (id, rest) = rest.split_first_chunk().ok_or(Unopened::Altered)?;
        let (nonce, rest) = rest.split_first_chunk().ok_or(Unopened::Altered)?;
        let (sealed, tag) = rest.split_last_chunk::<TAG>().ok_or(Unopened::Altered)?;
        let beside = self.beside(*id, handle, name);
        let mut unopened = Unopened::UnknownKey;
        for key in self.encryption.keys(*id) {
            match decrypt(key, nonce, &beside, sealed, &Tag::from(*tag)) {
                Some(plain) => return Ok(Some(plain)),
                None => unopened = Unopened::Altered,
            }
        }
        Err(unopened)
    }

    /// Returns what is authenticated beside a value: how it is written, and where it belongs.
    fn beside(&self, id: KeyId, handle: Handle, name: &Name) -> Vec<u8> {
        let (namespace, name) = (self.namespace.as_bytes(), name.as_str().as_bytes());
        let mut beside = Vec::with_capacity(2 + id.len() + 16 + 8 + namespace.len() + name.len());
        beside.extend_from_slice(&[NOT_PLAIN, FORMAT]);
        beside.extend_from_slice(&id);
        beside.extend_from_slice(handle.as_bytes());
        // So that no end of a namespace can be taken for the beginning of a name.
        beside.extend_from_slice(&(namespace.len() as u64).to_be_bytes());
        beside.extend_from_slice(namespace);
        beside.extend_from_slice(name);
        beside
    }
}

fn decrypt(
    key: &EncryptionKey,
    nonce: &[u8; NONCE],
    beside: &[u8],
    sealed: &[u8],
    tag: &Tag,
) -> Option<Bytes> {
    let mut plain = sealed.to_vec();
    let buffer = plain.as_mut_slice().into();
    aes(key, nonce).decrypt_inout_detached(&gcm_nonce(nonce), beside, buffer, tag).ok()?;
    Some(plain.into())
}

fn aes(key: &EncryptionKey, nonce: &[u8; NONCE]) -> Aes256Gcm {
    Aes256Gcm::new(&key.of_value(nonce).into())
}

fn gcm_nonce(nonce: &[u8; NONCE]) -> Nonce<U12> {
    let mut second_half = [0; NONCE / 2];
    second_half.copy_from_slice(&nonce[NONCE / 2..]);
    second_half.into()
}

#[cfg(test)]
mod tests;
