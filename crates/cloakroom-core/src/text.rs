use std::borrow::{Borrow, Cow};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The longest name, principal or label, in bytes of UTF-8.
const MAX_BYTES: usize = 256;

/// Short text: 1 to 256 bytes of UTF-8 without control characters, compared byte for byte.
#[derive(Clone)]
enum Text {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Text {
    fn new(text: Cow<'static, str>) -> Result<Self, InvalidText> {
        check(&text)?;
        Ok(match text {
            Cow::Borrowed(text) => Self::Static(text),
            Cow::Owned(text) => Self::Shared(text.into()),
        })
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
        }
    }
}

const fn check(text: &str) -> Result<(), InvalidText> {
    if text.is_empty() {
        Err(InvalidText::Empty)
    } else if text.len() > MAX_BYTES {
        Err(InvalidText::TooLong)
    } else if has_control(text.as_bytes()) {
        Err(InvalidText::ControlCharacter)
    } else {
        Ok(())
    }
}

/// `char::is_control`, for constants: below U+0020, U+007F, and U+0080 to U+009F, which are two bytes.
const fn has_control(bytes: &[u8]) -> bool {
    let mut index = 0;
    while index < bytes.len() {
        let byte = bytes[index];
        if byte < 0x20 || byte == 0x7f || (byte == 0xc2 && bytes[index + 1] < 0xa0) {
            return true;
        }
        index += 1;
    }
    false
}

/// Why a text cannot be a [`Name`], a [`Principal`] or a [`Label`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidText {
    /// It has no characters.
    Empty,
    /// It has more than 256 bytes.
    TooLong,
    /// It has a control character.
    ControlCharacter,
}

impl fmt::Display for InvalidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the text is empty",
            Self::TooLong => "the text is longer than 256 bytes",
            Self::ControlCharacter => "the text has a control character",
        })
    }
}

impl std::error::Error for InvalidText {}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 1 to 256 bytes of UTF-8 without control characters, compared byte for byte: case and trailing blanks
        /// count. A literal costs no allocation, and a clone never copies the text.
        #[derive(Clone)]
        pub struct $name(Text);

        impl $name {
            /// Checks `text` and wraps it.
            ///
            /// # Errors
            ///
            /// When the text is empty, longer than 256 bytes, or has a control character.
            pub fn new(text: impl Into<Cow<'static, str>>) -> Result<Self, InvalidText> {
                Text::new(text.into()).map(Self)
            }

            /// Wraps a text that is known when the program is built, such as a constant.
            ///
            /// # Panics
            ///
            /// When the text is empty, longer than 256 bytes, or has a control character. In a constant, that is a
            /// compile error.
            #[must_use]
            pub const fn from_static(text: &'static str) -> Self {
                assert!(check(text).is_ok(), "must be 1 to 256 bytes without control characters");
                Self(Text::Static(text))
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.as_str().cmp(other.as_str())
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
    };
}

text_type! {
    /// An attribute's name.
    Name
}
text_type! {
    /// Who is signed in: a user id, an e-mail address, an `OpenID` subject.
    Principal
}
text_type! {
    /// What the application calls a session in a list, such as `Firefox on Linux`.
    Label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_checked() {
        assert_eq!(Name::new(""), Err(InvalidText::Empty));
        assert_eq!(Name::new("x".repeat(257)), Err(InvalidText::TooLong));
        assert_eq!(Name::new("a\nb"), Err(InvalidText::ControlCharacter));
        assert_eq!(Name::new("a\u{85}b"), Err(InvalidText::ControlCharacter));
        assert!(Name::new("é".repeat(128)).is_ok(), "256 bytes are allowed");
        assert!(Name::new(" ").is_ok());
    }

    #[test]
    fn control_characters_are_those_of_char() {
        for char in (0..0x3000).filter_map(char::from_u32) {
            let refused = Name::new(format!("a{char}b")).is_err();
            assert_eq!(refused, char.is_control(), "U+{:04X}", u32::from(char));
        }
    }

    #[test]
    fn compared_byte_for_byte() {
        let literal = Name::new("cart").unwrap();
        assert_eq!(literal, Name::new(String::from("cart")).unwrap());
        assert_ne!(literal, Name::new("cart ").unwrap());
        assert_ne!(literal, Name::new("Cart").unwrap());
    }
}
