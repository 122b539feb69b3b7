//! The cookie that carries the ticket: its settings, how it is read, how it is written and signed.

mod header;
#[cfg(feature = "signed")]
mod key;
mod read;
mod seen;
mod settings;
#[cfg(feature = "signed")]
mod sign;
#[cfg(not(feature = "signed"))]
mod unsigned;
mod write;

pub(crate) use self::header::has_another_meaning;
#[cfg(feature = "signed")]
pub use self::key::{InvalidSigningKey, SigningKey};
pub(crate) use self::read::{Cookies, tickets};
pub(crate) use self::seen::{OwnHeader, Tracker};
pub(crate) use self::settings::CookieSettings;
pub use self::settings::SameSite;
#[cfg(feature = "signed")]
pub(crate) use self::sign::Signer;
#[cfg(not(feature = "signed"))]
pub(crate) use self::unsigned::Signer;
pub(crate) use self::write::Writer;

/// How many signatures of one request are checked, genuine or not.
const MAX_SIGNATURES: usize = 16;
