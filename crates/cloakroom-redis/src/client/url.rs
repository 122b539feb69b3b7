use std::borrow::Cow;

use percent_encoding::{PercentDecode, percent_decode_str};
use redis::{ConnectionInfo, IntoConnectionInfo, RedisResult};

use super::misconfigured;

/// A URL that names several servers: `redis+cluster://[user:password@]host:port,host:port/path?query`.
#[derive(Debug)]
pub(super) struct ListUrl<'a> {
    base: &'a str,
    credentials: &'a str,
    hosts: &'a str,
    path: &'a str,
    query: &'a str,
}

/// What a URL leads to.
#[derive(Debug)]
pub(super) enum Target<'a> {
    Server(&'a str),
    Sentinel(ListUrl<'a>),
    Cluster(ListUrl<'a>),
}

impl<'a> Target<'a> {
    pub(super) fn of(url: &'a str) -> RedisResult<Self> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| misconfigured("not a URL"))?;
        Ok(match scheme.split_once('+') {
            Some((base, "sentinel")) => Self::Sentinel(ListUrl::of(base, rest)),
            Some((base, "cluster")) => Self::Cluster(ListUrl::of(base, rest)),
            _ => Self::Server(url),
        })
    }
}

#[cfg_attr(
    not(any(feature = "sentinel", test)),
    expect(dead_code, reason = "without sentinels nobody asks for the path")
)]
impl<'a> ListUrl<'a> {
    fn of(base: &'a str, rest: &'a str) -> Self {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        Self { base, credentials, hosts, path, query }
    }

    /// Returns how to connect to each server, with the credentials and the number of the database.
    pub(super) fn servers(&self, database: &str) -> RedisResult<Vec<ConnectionInfo>> {
        let Self { base, credentials, .. } = self;
        let at = if credentials.is_empty() { "" } else { "@" };
        let hosts = self.hosts.split(',').filter(|host| !host.is_empty());
        let infos =
            hosts.map(|host| format!("{base}://{credentials}{at}{host}/{database}").into_connection_info());
        let infos: Vec<_> = infos.collect::<RedisResult<_>>()?;
        if infos.is_empty() { Err(misconfigured("the URL names no server")) } else { Ok(infos) }
    }

    /// Returns the parts of the path.
    pub(super) fn path(&self) -> impl Iterator<Item = &'a str> {
        self.path.split('/').filter(|part| !part.is_empty())
    }

    /// Returns the value of a parameter, decoded as credentials are.
    pub(super) fn parameter(&self, name: &str) -> RedisResult<Option<Cow<'a, str>>> {
        let mut parameters = self.query.split('&').filter_map(|parameter| parameter.split_once('='));
        let value = parameters.find(|(key, _)| *key == name).map(|(_, value)| percent_decode_str(value));
        let value = value.map(PercentDecode::decode_utf8).transpose();
        value.map_err(|_| misconfigured("a parameter of the URL is no text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(url: &str) -> ListUrl<'_> {
        match Target::of(url).unwrap() {
            Target::Sentinel(list) | Target::Cluster(list) => list,
            Target::Server(url) => panic!("{url} is one server"),
        }
    }

    #[test]
    fn the_scheme_tells_what_it_is() {
        for url in ["redis://a:1", "rediss://a", "valkey://a/2", "redis+unix:///a"] {
            assert!(matches!(Target::of(url).unwrap(), Target::Server(_)), "{url}");
        }
        assert!(matches!(Target::of("valkey+sentinel://a:1/x").unwrap(), Target::Sentinel(_)));
        assert!(matches!(Target::of("rediss+cluster://a:1").unwrap(), Target::Cluster(_)));
        assert!(Target::of("nonsense").is_err());
    }

    #[test]
    fn every_server_has_the_credentials() {
        let list = list("redis+sentinel://ann:p%40ss@a:1,b:2/primary/3?service=x&y=z");
        let servers = list.servers("3").unwrap();
        let addresses: Vec<_> = servers.iter().map(|info| info.addr().to_string()).collect();
        assert_eq!(addresses, ["a:1", "b:2"]);
        for info in &servers {
            let settings = info.redis_settings();
            assert_eq!((settings.username(), settings.password()), (Some("ann"), Some("p@ss")));
            assert_eq!(settings.db(), 3);
        }
        assert_eq!(list.path().collect::<Vec<_>>(), ["primary", "3"]);
        assert_eq!(list.parameter("service").unwrap().as_deref(), Some("x"));
        assert_eq!(list.parameter("nothing").unwrap(), None);
    }

    #[test]
    fn parameters_are_decoded_as_credentials_are() {
        let list =
            list("redis+sentinel://a:1/primary?sentinel_password=p%40ss%26+%C3%A4&service=%ff&raw=a/b=c");
        assert_eq!(list.parameter("sentinel_password").unwrap().as_deref(), Some("p@ss&+ä"));
        assert_eq!(list.parameter("raw").unwrap().as_deref(), Some("a/b=c"));
        assert!(list.parameter("service").is_err(), "no text");
    }

    #[test]
    fn a_list_needs_a_server() {
        assert!(list("redis+cluster://").servers("").is_err());
    }
}
