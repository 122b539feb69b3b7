use std::fmt;
use std::str::FromStr;

/// A key that signs tickets: 64 random bytes, as many as a block of SHA-256.
///
/// Reads as 128 hexadecimal digits, which `openssl rand -hex 64` prints. `Debug` does not show it.
///
/// ```
/// use cloakroom::SigningKey;
///
/// let key: SigningKey = "5f".repeat(64).parse()?;
/// assert_eq!(format!("{key:?}"), "SigningKey(..)");
/// assert!("5f".parse::<SigningKey>().is_err());
/// # Ok::<(), cloakroom::InvalidSigningKey>(())
/// ```
#[derive(Clone)]
pub struct SigningKey([u8; Self::LEN]);

impl SigningKey {
    /// The length of a key in bytes.
    pub const LEN: usize = 64;

    /// Wraps 64 bytes, which must come from a cryptographic random generator.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl FromStr for SigningKey {
    type Err = InvalidSigningKey;

    fn from_str(text: &str) -> Result<Self, InvalidSigningKey> {
        let (digits, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(InvalidSigningKey);
        };
        let digits: &[[u8; 2]; Self::LEN] = digits.try_into().map_err(|_| InvalidSigningKey)?;
        let mut bytes = [0; Self::LEN];
        for (byte, [high, low]) in bytes.iter_mut().zip(digits) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<&[u8]> for SigningKey {
    type Error = InvalidSigningKey;

    fn try_from(bytes: &[u8]) -> Result<Self, InvalidSigningKey> {
        bytes.try_into().map(Self).map_err(|_| InvalidSigningKey)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

fn digit(character: u8) -> Result<u8, InvalidSigningKey> {
    let value = char::from(character).to_digit(16).ok_or(InvalidSigningKey)?;
    u8::try_from(value).map_err(|_| InvalidSigningKey)
}

/// Something that is no [`SigningKey`]. Does not say what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSigningKey;

impl fmt::Display for InvalidSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a key: expected 64 bytes, or 128 hexadecimal digits")
    }
}

impl std::error::Error for InvalidSigningKey {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_hexadecimal_digits() {
        let digits: String = (0..64).map(|number| format!("{:02x}", number * 3)).collect();
        let expected: Vec<u8> = (0..64).map(|number| number * 3).collect();
        for text in [digits.clone(), digits.to_uppercase()] {
            assert_eq!(text.parse::<SigningKey>().unwrap().as_bytes()[..], expected[..]);
        }
        assert_eq!(SigningKey::try_from(&expected[..]).unwrap().as_bytes()[..], expected[..]);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let right = "0".repeat(128);
        for wrong in [
            "",
            &right[1..],
            &right[2..],
            &format!("{right}0"),
            &right.replacen('0', "g", 1),
            &"é".repeat(64),
        ] {
            assert_eq!(wrong.parse::<SigningKey>().unwrap_err(), InvalidSigningKey, "{wrong}");
        }
        assert!(SigningKey::try_from(&[0; 63][..]).is_err());
    }
}
