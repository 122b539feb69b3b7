use std::fmt::Write as _;
use std::time::Duration;

use cloakroom_core::{MAX_INTERVAL, Ticket};
use http::HeaderValue;

use super::Signer;
use super::settings::CookieSettings;

/// Writes `Set-Cookie` values.
///
/// The attributes are the same in every one, so they are put together once. The removal repeats them, or the browser
/// would keep the cookie.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    name: String,
    max_age: String,
    attributes: String,
    signer: Option<Signer>,
}

impl Writer {
    pub(crate) fn new(
        settings: &CookieSettings,
        max_lifetime: Option<Duration>,
        signer: Option<Signer>,
    ) -> Self {
        // The server alone judges expiry, and does not send the cookie again just to prolong it.
        let max_age = max_lifetime.unwrap_or(MAX_INTERVAL).as_secs().max(1);
        Self {
            name: settings.name.clone().into_owned(),
            max_age: if settings.persistent { format!("; Max-Age={max_age}") } else { String::new() },
            attributes: attributes(settings),
            signer,
        }
    }

    /// Returns what signs the tickets, if they are to be signed.
    #[inline]
    pub(crate) fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }

    /// Returns the value that hands a ticket out.
    pub(crate) fn set(&self, ticket: &Ticket) -> Option<HeaderValue> {
        self.set_text(&self.text(ticket))
    }

    /// Returns the value that gives the cookie this text.
    pub(crate) fn set_text(&self, text: &str) -> Option<HeaderValue> {
        let Self { name, max_age, attributes, .. } = self;
        header(format!("{name}={text}{attributes}{max_age}"))
    }

    /// Returns the value that hands a ticket out in a header of its own; without a ticket, the value that removes it.
    pub(crate) fn in_header(&self, ticket: Option<&Ticket>) -> Option<HeaderValue> {
        header(ticket.map_or_else(String::new, |ticket| self.text(ticket)))
    }

    fn text(&self, ticket: &Ticket) -> String {
        let mut text = ticket.expose();
        if let Some(signer) = &self.signer {
            signer.sign(&mut text);
        }
        text
    }

    /// Returns the value that removes the cookie.
    pub(crate) fn remove(&self) -> Option<HeaderValue> {
        let Self { name, attributes, .. } = self;
        header(format!("{name}={attributes}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"))
    }
}

fn attributes(settings: &CookieSettings) -> String {
    let mut text = format!("; HttpOnly; SameSite={}; Path={}", settings.same_site.as_str(), settings.path);
    if let Some(domain) = &settings.domain {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "; Domain={domain}");
    }
    if settings.secure {
        text.push_str("; Secure");
    }
    if settings.partitioned {
        text.push_str("; Partitioned");
    }
    text
}

/// The settings were checked, so the text is always a header value. It is a secret: HPACK must not index it.
pub(super) fn header(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: Option<HeaderValue>) -> String {
        value.unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn the_default_cookie_is_the_safe_one() {
        let ticket = Ticket::generate().unwrap();
        let writer = Writer::new(&CookieSettings::default(), None, None);
        let expected = format!("__Host-id={}; HttpOnly; SameSite=Lax; Path=/; Secure", ticket.expose());
        assert_eq!(shown(writer.set(&ticket)), expected);
        assert!(writer.set(&ticket).unwrap().is_sensitive());
    }

    #[test]
    fn the_removal_repeats_the_attributes() {
        let settings = CookieSettings {
            name: "id".into(),
            domain: Some("example.com".into()),
            partitioned: true,
            persistent: true,
            ..CookieSettings::default()
        };
        let writer = Writer::new(&settings, None, None);
        let same = "; HttpOnly; SameSite=Lax; Path=/; Domain=example.com; Secure; Partitioned";
        let removal = format!("id={same}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(shown(writer.remove()), removal);
        assert!(
            shown(writer.set(&Ticket::generate().unwrap())).ends_with(&format!("{same}; Max-Age=34560000"))
        );
    }

    #[test]
    fn a_persistent_cookie_lives_as_long_as_the_session_may() {
        let settings = CookieSettings { persistent: true, ..CookieSettings::default() };
        let writer = Writer::new(&settings, Some(Duration::from_secs(60)), None);
        assert!(shown(writer.set(&Ticket::generate().unwrap())).ends_with("; Max-Age=60"));
    }
}
