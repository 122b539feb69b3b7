use std::fmt;
use std::str::FromStr;

use hkdf::Hkdf;
use sha2::Sha256;

/// What a value tells of the key that it is encrypted with.
pub(super) type KeyId = [u8; 4];

/// The bytes that are drawn for each value: the first half goes into its key, the second is the cipher's nonce.
pub(super) const NONCE: usize = 24;

/// A key that attribute values are encrypted with: 32 bytes from a cryptographic random generator, such as
/// `openssl rand -hex 32` gives. `Debug` does not show it.
///
/// ```
/// use cloakroom::EncryptionKey;
///
/// # let key = "8f0c1d2e3b4a59687786958493a2b1c0dfeefd0c1b2a39485766758493a2b1c0";
/// let key: EncryptionKey = key.parse()?;
/// # let _ = key;
/// # Ok::<(), cloakroom::InvalidEncryptionKey>(())
/// ```
#[derive(Clone)]
pub struct EncryptionKey {
    id: KeyId,
    /// Derives the key of each value.
    derive: Hkdf<Sha256>,
}

impl EncryptionKey {
    /// Wraps the 32 bytes of a key.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        // A key of full entropy needs no extraction (RFC 5869, 3.3).
        let Ok(derive) = Hkdf::from_prk(&bytes) else {
            unreachable!("32 bytes are as long as the hash");
        };
        let mut id = KeyId::default();
        expand(&derive, &[b"cloakroom key id"], &mut id);
        Self { id, derive }
    }

    pub(super) fn id(&self) -> KeyId {
        self.id
    }

    /// Returns the key of one value.
    pub(super) fn of_value(&self, nonce: &[u8; NONCE]) -> [u8; 32] {
        let mut key = [0; 32];
        expand(&self.derive, &[b"cloakroom attribute value", &nonce[..NONCE / 2]], &mut key);
        key
    }
}

fn expand(derive: &Hkdf<Sha256>, info: &[&[u8]], out: &mut [u8]) {
    if derive.expand_multi_info(info, out).is_err() {
        unreachable!("HKDF gives up to 255 times as much as the hash is long");
    }
}

/// Reads 64 hexadecimal digits.
impl FromStr for EncryptionKey {
    type Err = InvalidEncryptionKey;

    fn from_str(text: &str) -> Result<Self, InvalidEncryptionKey> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(InvalidEncryptionKey);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self::new(bytes))
    }
}

fn digit(digit: u8) -> Result<u8, InvalidEncryptionKey> {
    let value = char::from(digit).to_digit(16).ok_or(InvalidEncryptionKey)?;
    u8::try_from(value).map_err(|_| InvalidEncryptionKey)
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(..)")
    }
}

/// A text that is no [`EncryptionKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidEncryptionKey;

impl fmt::Display for InvalidEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an encryption key: expected 64 hexadecimal digits")
    }
}

impl std::error::Error for InvalidEncryptionKey {}

#[cfg(test)]
impl EncryptionKey {
    pub(super) fn take_id_of(&mut self, other: &Self) {
        self.id = other.id;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_64_digits() {
        let read: EncryptionKey = "0aFf".repeat(16).parse().unwrap();
        let same = EncryptionKey::new(std::array::from_fn(|at| if at % 2 == 0 { 0x0a } else { 0xff }));
        assert_eq!(read.of_value(&[7; NONCE]), same.of_value(&[7; NONCE]));
        for text in ["", "00", &"0".repeat(63), &"0".repeat(65), &"0g".repeat(32), &"é".repeat(32)] {
            assert_eq!(text.parse::<EncryptionKey>().unwrap_err(), InvalidEncryptionKey, "{text:?}");
        }
    }

    #[test]
    fn a_key_does_not_show_itself() {
        assert_eq!(format!("{:?}", EncryptionKey::new([0x5a; 32])), "EncryptionKey(..)");
    }

    #[test]
    fn each_nonce_has_a_key_of_its_own() {
        let key = EncryptionKey::new([1; 32]);
        let (mut one, mut two) = ([0; NONCE], [0; NONCE]);
        one[0] = 1;
        two[11] = 1;
        assert_ne!(key.of_value(&one), key.of_value(&two));
        assert_ne!(key.of_value(&one), EncryptionKey::new([2; 32]).of_value(&one));
    }
}
