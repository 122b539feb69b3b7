use std::time::Duration;

use cloakroom_core::{Ticket, Version};
use http::{HeaderName, HeaderValue};

use super::read::{Cookies, values};
use super::settings::CookieSettings;
use super::write::{Writer, header};
use super::{MAX_SIGNATURES, Signer};
use crate::config::ConfigError;

/// The header that carries tickets, and the one beside it that carries the version seen, where versions are tracked.
#[derive(Clone, Debug)]
pub(crate) struct OwnHeader {
    pub(crate) ticket: HeaderName,
    pub(crate) seen: Option<HeaderName>,
}

impl OwnHeader {
    pub(crate) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        std::iter::once(&self.ticket).chain(&self.seen)
    }
}

/// Lets the newest version of a session that its visitor has seen travel with them: in a second cookie beside the session's,
/// or in a second header.
///
/// The value is the handle's 22 characters, as the ticket begins, and the version in decimal digits; where tickets are signed,
/// then 22 characters of a signature, whose key is made of the layer's for this purpose and this cookie alone.
#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    cookie: CookieSettings,
    writer: Writer,
    signer: Option<Signer>,
}

/// The characters of a handle in a ticket.
const HANDLE: usize = Ticket::LEN / 2;

/// The most digits that a version has.
const DIGITS: usize = 20;

/// What is appended to the name of the session's cookie or header.
const SUFFIX: &str = "-seen";

impl Tracker {
    pub(crate) fn new(
        session: &CookieSettings,
        max_lifetime: Option<Duration>,
        signer: Option<Signer>,
    ) -> Self {
        let name = format!("{}{SUFFIX}", session.name).into();
        let cookie = CookieSettings { name, ..session.clone() };
        Self { writer: Writer::new(&cookie, max_lifetime, None), cookie, signer }
    }

    /// Checks that the cookie is one that agents take.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let signature = if self.signer.is_some() { Signer::LEN } else { 0 };
        self.cookie.check(HANDLE + DIGITS + signature)
    }

    /// Returns the header beside the one that carries tickets; `None` where its name would be too long.
    pub(crate) fn header(beside: &HeaderName) -> Option<HeaderName> {
        HeaderName::try_from(format!("{beside}{SUFFIX}")).ok()
    }

    /// Returns the newest version of a ticket's session that the request says its visitor has seen; zero, which no session
    /// in a store has, where it says none. What is malformed, not genuine, or of another session says nothing.
    pub(crate) fn seen(&self, cookies: &Cookies, ticket: &Ticket) -> Version {
        let text = ticket.expose();
        let handle = &text.as_bytes()[..HANDLE];
        let of_session = self.values(cookies).filter(|value| value.starts_with(handle)).take(MAX_SIGNATURES);
        let seen = of_session.filter_map(|value| version(&self.genuine(value)?[HANDLE..]));
        Version(seen.max().unwrap_or_default())
    }

    /// Returns the `Set-Cookie` that tells the browser of a version; by header, that header's value.
    pub(crate) fn tell(&self, ticket: &Ticket, version: Version, by_header: bool) -> Option<HeaderValue> {
        let mut text = ticket.expose();
        text.truncate(HANDLE);
        text.push_str(&version.0.to_string());
        if let Some(signer) = &self.signer {
            signer.sign(&mut text);
        }
        if by_header { header(text) } else { self.writer.set_text(&text) }
    }

    /// Returns the `Set-Cookie` that removes what the browser knows; by header, that header's value.
    pub(crate) fn remove(&self, by_header: bool) -> Option<HeaderValue> {
        if by_header { header(String::new()) } else { self.writer.remove() }
    }

    fn values<'a>(&'a self, cookies: &'a Cookies) -> impl Iterator<Item = &'a [u8]> {
        let (lines, name) = match cookies.seen() {
            Some(lines) => (lines, None),
            None => (cookies.lines(), Some(self.cookie.name.as_bytes())),
        };
        lines.iter().flat_map(move |line| values(line.as_bytes(), name))
    }

    /// Returns a value without its signature, if it is genuine.
    fn genuine<'a>(&self, value: &'a [u8]) -> Option<&'a [u8]> {
        match &self.signer {
            None => Some(value),
            Some(signer) => {
                let length = value.len().checked_sub(Signer::LEN).filter(|length| *length > HANDLE)?;
                let (text, signature) = value.split_at(length);
                signer.has_signed(text, signature).then_some(text)
            }
        }
    }
}

/// Reads a version as it was written: digits alone, without zeros before them.
fn version(digits: &[u8]) -> Option<u64> {
    let plain = digits.iter().all(u8::is_ascii_digit) && digits.first().is_some_and(|first| *first != b'0');
    let text = std::str::from_utf8(digits).ok()?;
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use http::header::COOKIE;

    fn tracker() -> Tracker {
        Tracker::new(&CookieSettings::default(), None, None)
    }

    fn seen(tracker: &Tracker, ticket: &Ticket, pairs: &[String]) -> u64 {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::try_from(pairs.join("; ")).unwrap());
        tracker.seen(&Cookies::of(&headers, None), ticket).0
    }

    fn handle(ticket: &Ticket) -> String {
        ticket.expose()[..HANDLE].to_owned()
    }

    #[test]
    fn what_is_told_is_what_is_seen() {
        let ticket = Ticket::generate().unwrap();
        for version in [1, 17, u64::MAX] {
            let told = tracker().tell(&ticket, Version(version), false).unwrap();
            let told = told.to_str().unwrap();
            let expected = format!(
                "__Host-id-seen={}{version}; HttpOnly; SameSite=Lax; Path=/; Secure",
                handle(&ticket)
            );
            assert_eq!(told, expected);
            assert_eq!(seen(&tracker(), &ticket, &[told.split("; ").next().unwrap().to_owned()]), version);
        }
    }

    #[test]
    fn of_several_the_newest_counts_and_of_other_sessions_none() {
        let [ticket, other] = [(); 2].map(|()| Ticket::generate().unwrap());
        let pair = |ticket: &Ticket, version: &str| format!("__Host-id-seen={}{version}", handle(ticket));
        let pairs = [pair(&ticket, "3"), pair(&ticket, "12"), pair(&other, "40"), pair(&ticket, "7")];
        assert_eq!(seen(&tracker(), &ticket, &pairs), 12);
        assert_eq!(seen(&tracker(), &other, &pairs), 40);
    }

    #[test]
    fn what_is_malformed_says_nothing() {
        let ticket = Ticket::generate().unwrap();
        let handle = handle(&ticket);
        for wrong in ["", "0", "01", "+1", "-1", "1x", "x", " ", "1.0", "18446744073709551616", "٣"] {
            let pair = format!("__Host-id-seen={handle}{wrong}");
            assert_eq!(seen(&tracker(), &ticket, &[pair]), 0, "{wrong}");
        }
        for pair in ["__Host-id-seen=", "__Host-id-seen=1", "__Host-id-seen=\"x\"", "other=1"] {
            assert_eq!(seen(&tracker(), &ticket, &[pair.to_owned()]), 0, "{pair}");
        }
    }
}
