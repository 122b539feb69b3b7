use std::borrow::Cow;

use crate::config::ConfigError;

/// The `SameSite` attribute of the session cookie: which requests from other sites carry it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SameSite {
    /// Not even a link from another site does. Breaks the way back from an OAuth provider.
    Strict,
    /// Top-level navigation does, embedded requests and posts do not.
    #[default]
    Lax,
    /// All do. Only with `Secure`.
    None,
}

impl SameSite {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

/// What the session cookie looks like.
#[derive(Clone, Debug)]
pub(crate) struct CookieSettings {
    pub(crate) name: Cow<'static, str>,
    pub(crate) path: Cow<'static, str>,
    pub(crate) domain: Option<Cow<'static, str>>,
    pub(crate) same_site: SameSite,
    pub(crate) secure: bool,
    pub(crate) partitioned: bool,
    pub(crate) persistent: bool,
}

impl Default for CookieSettings {
    fn default() -> Self {
        Self {
            name: Cow::Borrowed("__Host-id"),
            path: Cow::Borrowed("/"),
            domain: None,
            same_site: SameSite::default(),
            secure: true,
            partitioned: false,
            persistent: false,
        }
    }
}

/// The longest attribute value, and the longest name and value together, that agents take (RFC 6265bis, 5.6 and 5.7).
const MAX_ATTRIBUTE: usize = 1024;
const MAX_PAIR: usize = 4096;

impl CookieSettings {
    /// Checks them for a cookie whose value has this length.
    pub(crate) fn check(&self, value: usize) -> Result<(), ConfigError> {
        let refuse = |why| Err(ConfigError::new(why));
        if self.name.is_empty() || !self.name.bytes().all(is_token) {
            return refuse("the cookie's name must be an HTTP token (RFC 6265, 4.1.1)");
        }
        if self.name.len() + value > MAX_PAIR {
            return refuse("the cookie's name and value are longer than 4,096 bytes (RFC 6265bis, 5.6)");
        }
        if !self.path.starts_with('/') || !is_attribute(&self.path) {
            return refuse("the cookie's path must start with `/`, be at most 1,024 bytes, and have no `;`");
        }
        if self.domain.as_deref().is_some_and(|domain| domain.is_empty() || !is_attribute(domain)) {
            return refuse("the cookie's domain must be 1 to 1,024 bytes without `;`");
        }
        if self.has_prefix("__Host-") && (self.domain.is_some() || self.path != "/" || !self.secure) {
            return refuse(
                "a `__Host-` cookie must be Secure, with Path=/ and no Domain (RFC 6265bis, 4.1.3.2)",
            );
        }
        if self.has_prefix("__Secure-") && !self.secure {
            return refuse("a `__Secure-` cookie must be Secure (RFC 6265bis, 4.1.3.1)");
        }
        if self.same_site == SameSite::None && !self.secure {
            return refuse("a cookie with SameSite=None must be Secure (RFC 6265bis, 5.7)");
        }
        if self.partitioned && !self.secure {
            return refuse("a Partitioned cookie must be Secure");
        }
        Ok(())
    }

    /// Agents compare prefixes without regard to case.
    pub(crate) fn has_prefix(&self, prefix: &str) -> bool {
        self.name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_attribute(value: &str) -> bool {
    value.len() <= MAX_ATTRIBUTE && value.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b';')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut CookieSettings)) -> Result<(), ConfigError> {
        let mut settings = CookieSettings::default();
        change(&mut settings);
        settings.check(cloakroom_core::Ticket::LEN)
    }

    #[test]
    fn the_defaults_are_valid() {
        assert!(check(|_| {}).is_ok());
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(check(|it| it.domain = Some("example.com".into())).is_err());
        assert!(check(|it| it.path = "/app".into()).is_err());
        assert!(check(|it| it.secure = false).is_err());
        assert!(check(|it| (it.name, it.secure) = ("__host-id".into(), false)).is_err(), "whatever the case");
        assert!(check(|it| (it.name, it.secure) = ("__Secure-id".into(), false)).is_err());
        assert!(
            check(|it| (it.name, it.secure, it.same_site) = ("id".into(), false, SameSite::None)).is_err()
        );
        assert!(check(|it| (it.name, it.secure, it.partitioned) = ("id".into(), false, true)).is_err());
        assert!(check(|it| (it.name, it.secure) = ("id".into(), false)).is_ok());
        assert!(check(|it| (it.name, it.domain) = ("id".into(), Some("example.com".into()))).is_ok());
    }

    /// RFC 6265bis, 5.6 and 5.7.
    #[test]
    fn what_agents_would_cut_or_drop_is_refused() {
        let path = |length: usize| check(|it| (it.name, it.path) = ("id".into(), "/".repeat(length).into()));
        assert!(path(MAX_ATTRIBUTE).is_ok() && path(MAX_ATTRIBUTE + 1).is_err());
        let domain =
            |length: usize| check(|it| (it.name, it.domain) = ("id".into(), Some("d".repeat(length).into())));
        assert!(domain(MAX_ATTRIBUTE).is_ok() && domain(MAX_ATTRIBUTE + 1).is_err());
        let name = |length: usize| check(|it| it.name = "n".repeat(length).into());
        let longest = MAX_PAIR - cloakroom_core::Ticket::LEN;
        assert!(name(longest).is_ok() && name(longest + 1).is_err());
    }

    #[test]
    fn unusable_texts_are_refused() {
        for name in ["", "a b", "a=b", "a;b", "é"] {
            assert!(check(|it| it.name = name.into()).is_err(), "{name:?}");
        }
        assert!(check(|it| it.name = "x".repeat(4096).into()).is_err());
        for path in ["", "app", "/a;b", "/a\nb"] {
            assert!(check(|it| (it.name, it.path) = ("id".into(), path.into())).is_err(), "{path:?}");
        }
        for domain in ["", "a;b"] {
            assert!(
                check(|it| (it.name, it.domain) = ("id".into(), Some(domain.into()))).is_err(),
                "{domain:?}"
            );
        }
    }
}
