//! The cookie that carries the ticket: its settings, how it is read, how it is written.

mod read;
mod settings;
mod write;

pub(crate) use self::read::{Cookies, tickets};
pub(crate) use self::settings::CookieSettings;
pub use self::settings::SameSite;
pub(crate) use self::write::Writer;
