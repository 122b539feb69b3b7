use bytes::Bytes;
use http::HeaderMap;
use http::header::{CACHE_CONTROL, SET_COOKIE, VARY};
use serde_json::Value;

/// The name of the cookie, unless the testbed was told to do without `Secure`.
pub(crate) const COOKIE: &str = "__Host-id";

/// An answer to a request.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A `Set-Cookie` header, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Sorted.
    pub(crate) attributes: Vec<String>,
}

impl Answer {
    /// Checks the status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Checks that the answer leaves the browser's cookie alone.
    #[track_caller]
    pub(crate) fn without_cookie(self) -> Self {
        assert!(!self.headers.contains_key(SET_COOKIE), "{self:?}");
        self
    }

    /// Checks that the answer hands out a ticket, and returns that.
    #[track_caller]
    pub(crate) fn ticket(&self) -> String {
        let cookie = self.set_cookie().unwrap_or_else(|| panic!("no cookie: {self:?}"));
        assert!(!cookie.value.is_empty(), "removes the cookie: {self:?}");
        cookie.value
    }

    /// Checks that the answer removes the cookie.
    #[track_caller]
    pub(crate) fn removes_cookie(self) -> Self {
        let cookie = self.set_cookie().unwrap_or_else(|| panic!("no cookie: {self:?}"));
        assert_eq!(cookie.value, "", "{self:?}");
        self
    }

    /// Returns the one `Set-Cookie`, if there is one.
    #[track_caller]
    pub(crate) fn set_cookie(&self) -> Option<SetCookie> {
        let mut all = self.headers.get_all(SET_COOKIE).iter();
        let first = all.next()?;
        assert!(all.next().is_none(), "several cookies: {self:?}");
        Some(SetCookie::parse(first.to_str().unwrap()))
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Returns a header's value; empty where it is absent.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks what holds for every answer of the testbed, whatever was asked.
    #[track_caller]
    pub(crate) fn check(&self) {
        let Some(cookie) = self.set_cookie() else {
            return;
        };
        cookie.check();
        assert_ne!(self.status, 503, "a 503 never carries a cookie");
        assert_eq!(self.header(CACHE_CONTROL.as_str()), "no-store", "{self:?}");
        assert_eq!(self.header(VARY.as_str()), "Cookie", "{self:?}");
        self.tells_nothing_of(&cookie.value);
    }

    /// Checks that the secret of a ticket stands in `Set-Cookie` at most (OWASP ASVS 5.0, 3.3.4).
    #[track_caller]
    pub(crate) fn tells_nothing_of(&self, ticket: &str) {
        let Some(secret) = ticket.get(22..44) else { return };
        let holds = |bytes: &[u8]| memchr::memmem::find(bytes, secret.as_bytes()).is_some();
        assert!(!holds(&self.body), "a ticket in a body");
        let headers = self.headers.iter().filter(|(name, _)| *name != SET_COOKIE);
        for (name, value) in headers {
            assert!(!holds(value.as_bytes()), "a ticket in {name}");
        }
    }
}

impl SetCookie {
    fn parse(text: &str) -> Self {
        let mut parts = text.split("; ").map(str::to_owned);
        let pair = parts.next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        let mut attributes: Vec<String> = parts.collect();
        attributes.sort();
        Self { name: name.to_owned(), value: value.to_owned(), attributes }
    }

    fn check(&self) {
        let secure = self.name == COOKIE;
        assert!(secure || self.name == "id", "{self:?}");
        let mut attributes = vec!["HttpOnly", "Path=/", "SameSite=Lax"];
        attributes.extend(secure.then_some("Secure"));
        if self.value.is_empty() {
            attributes.extend(["Expires=Thu, 01 Jan 1970 00:00:00 GMT", "Max-Age=0"]);
        } else {
            // The ticket, and with `--key` a signature of 128 bits.
            assert!(matches!(self.value.len(), 44 | 66), "{self:?}");
        }
        attributes.sort_unstable();
        assert_eq!(self.attributes, attributes, "{self:?}");
    }
}
