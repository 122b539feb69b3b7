use std::fmt;
use std::time::Duration;

/// How long one attempt to connect may take, unless the URL says `connect_timeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A URL as libpq takes it, where a comma separates hosts: the driver knows URLs of one host alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    /// One for each host.
    pub(super) urls: Vec<String>,
    pub(super) connect_timeout: Duration,
}

impl Parsed {
    pub(super) fn read(url: &str) -> Result<Self, InvalidUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(InvalidUrl::Scheme)?;
        if !matches!(scheme, "postgres" | "postgresql") {
            return Err(InvalidUrl::Scheme);
        }
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, hosts) = authority.rsplit_once('@').map_or(("", authority), |(user, hosts)| (user, hosts));
        let at = if user.is_empty() { "" } else { "@" };
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        let (query, connect_timeout) = split(query)?;
        let mark = if query.is_empty() { "" } else { "?" };
        let urls = hosts.split(',').map(|host| format!("{scheme}://{user}{at}{host}{path}{mark}{query}"));
        Ok(Self { urls: urls.collect(), connect_timeout })
    }
}

/// Takes out the parameters that are for us and not for the driver.
fn split(query: &str) -> Result<(String, Duration), InvalidUrl> {
    let mut connect_timeout = CONNECT_TIMEOUT;
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("connect_timeout", seconds)) => {
                let seconds = seconds.parse().ok().filter(|seconds| *seconds > 0);
                connect_timeout = Duration::from_secs(seconds.ok_or(InvalidUrl::Timeout)?);
            }
            Some(("target_session_attrs", "read-write" | "primary")) => {}
            Some(("target_session_attrs", _)) => return Err(InvalidUrl::Target),
            _ => rest.push(pair),
        }
    }
    Ok((rest.join("&"), connect_timeout))
}

/// Why a URL leads to no database. Does not show it: it may have a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InvalidUrl {
    Scheme,
    Timeout,
    Target,
}

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => {
                "not a PostgreSQL URL: expected `postgres://user:password@host:5432,another:5432/database`"
            }
            Self::Timeout => "`connect_timeout` is not a number of seconds of at least 1",
            Self::Target => {
                "`target_session_attrs` can only be `read-write` or `primary`, as it is without: the store writes"
            }
        })
    }
}

impl std::error::Error for InvalidUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(url: &str) -> Vec<String> {
        Parsed::read(url).unwrap().urls
    }

    #[test]
    fn each_host_gets_a_url() {
        assert_eq!(urls("postgres://h/db"), ["postgres://h/db"]);
        assert_eq!(
            urls("postgresql://me:p,w%40@h1:1,h2:2/db?sslmode=require"),
            [
                "postgresql://me:p,w%40@h1:1/db?sslmode=require",
                "postgresql://me:p,w%40@h2:2/db?sslmode=require"
            ]
        );
        assert_eq!(urls("postgres://[::1]:5,h"), ["postgres://[::1]:5", "postgres://h"]);
        assert_eq!(urls("postgres:///db?host=/run/pg"), ["postgres:///db?host=/run/pg"]);
    }

    #[test]
    fn parameters_of_ours_are_taken_out() {
        let parsed =
            Parsed::read("postgres://h/db?connect_timeout=2&a=b&target_session_attrs=read-write").unwrap();
        assert_eq!(parsed.urls, ["postgres://h/db?a=b"]);
        assert_eq!(parsed.connect_timeout, Duration::from_secs(2));
    }

    #[test]
    fn what_cannot_work_is_refused() {
        assert_eq!(Parsed::read("mysql://h/db"), Err(InvalidUrl::Scheme));
        assert_eq!(Parsed::read("h/db"), Err(InvalidUrl::Scheme));
        assert_eq!(Parsed::read("postgres://h/?connect_timeout=0"), Err(InvalidUrl::Timeout));
        assert_eq!(Parsed::read("postgres://h/?target_session_attrs=any"), Err(InvalidUrl::Target));
    }
}
