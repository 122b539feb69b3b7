use std::path::PathBuf;
use std::str::FromStr;

use cloakroom_nats::Storage;

/// Where the sessions are kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StoreUrl {
    Memory,
    File(PathBuf),
    Sqlite(PathBuf),
    Redis(Server),
    Postgres(Server),
    MySql(Server),
    Nats(NatsServers),
}

/// A server, and whose sessions these are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Server {
    /// As the store takes it.
    pub(crate) url: String,
    /// What the URL's `namespace` says; `None`: the store's default.
    pub(crate) namespace: Option<String>,
}

/// NATS servers, how they keep the streams, whether this server has a copy, and whose sessions these are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NatsServers {
    pub(crate) server: Server,
    pub(crate) replicas: usize,
    pub(crate) storage: Storage,
    pub(crate) is_mirrored: bool,
}

impl FromStr for StoreUrl {
    type Err = &'static str;

    fn from_str(url: &str) -> Result<Self, &'static str> {
        let is_server = url.contains("://");
        match url.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("redis" | "rediss" | "valkey" | "valkeys" | "redis+sentinel" | "redis+cluster", _))
                if is_server =>
            {
                Ok(Self::Redis(Server::of(url)))
            }
            Some(("postgres" | "postgresql", _)) if is_server => Ok(Self::Postgres(Server::of(url))),
            Some(("mysql" | "mariadb", _)) if is_server => Ok(Self::MySql(Server::of(url))),
            Some(("nats" | "tls", _)) if is_server => NatsServers::of(url).map(Self::Nats),
            _ => Err(
                "not the URL of a store that is implemented: `memory:`, `file:DIRECTORY`, `sqlite:PATH`, `redis://…`, \
                      `redis+sentinel://…`, `redis+cluster://…`, `postgres://…`, `mysql://…` or `nats://…`",
            ),
        }
    }
}

impl Server {
    /// Takes the namespace, which is ours, out of a URL.
    fn of(url: &str) -> Self {
        let (start, query) = url.split_once('?').unwrap_or((url, ""));
        let (ours, theirs): (Vec<&str>, Vec<&str>) =
            query.split('&').filter(|pair| !pair.is_empty()).partition(|pair| pair.starts_with("namespace="));
        let namespace = ours.first().and_then(|pair| pair.split_once('=')).map(|(_, name)| name.to_owned());
        let question_mark = if theirs.is_empty() { "" } else { "?" };
        Self { url: format!("{start}{question_mark}{}", theirs.join("&")), namespace }
    }
}

impl NatsServers {
    /// Takes `replicas=3`, `storage=file` and `mirrored=true` out of a URL, too.
    fn of(url: &str) -> Result<Self, &'static str> {
        let Server { url, namespace } = Server::of(url);
        let (servers, query) = url.split_once('?').unwrap_or((&url, ""));
        let (mut replicas, mut storage, mut is_mirrored) = (1, Storage::Memory, false);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("replicas", count)) => {
                    replicas = count.parse().map_err(|_| "`replicas` is no number")?;
                }
                Some(("mirrored", answer)) => {
                    is_mirrored = answer.parse().map_err(|_| "`mirrored` is neither `true` nor `false`")?;
                }
                Some(("storage", "file")) => storage = Storage::File,
                Some(("storage", "memory")) => storage = Storage::Memory,
                _ => {
                    return Err(
                        "a URL of NATS has `namespace`, `replicas`, `mirrored`, and `storage`, `file` or `memory`",
                    );
                }
            }
        }
        let server = Server { url: servers.to_owned(), namespace };
        Ok(Self { server, replicas, storage, is_mirrored })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_is_ours_and_the_rest_is_the_stores() {
        let cases = [
            ("redis://h:1", "redis://h:1", None),
            ("redis://h:1/?namespace=a", "redis://h:1/", Some("a")),
            ("redis://h:1?x=1&namespace=a&y=2", "redis://h:1?x=1&y=2", Some("a")),
            ("redis+sentinel://h:1,h:2/p?namespace=", "redis+sentinel://h:1,h:2/p", Some("")),
        ];
        for (text, url, namespace) in cases {
            let server = Server { url: url.to_owned(), namespace: namespace.map(str::to_owned) };
            assert_eq!(text.parse(), Ok(StoreUrl::Redis(server)), "{text}");
        }
    }

    #[test]
    fn each_scheme_is_that_of_one_store() {
        let parse = |text: &str| text.parse::<StoreUrl>();
        for scheme in ["redis", "rediss", "valkey", "valkeys", "redis+sentinel", "redis+cluster"] {
            assert!(matches!(parse(&format!("{scheme}://h")), Ok(StoreUrl::Redis(_))), "{scheme}");
        }
        assert_eq!(parse("file:/srv/s"), Ok(StoreUrl::File("/srv/s".into())));
        assert!(matches!(parse("postgres://h/d"), Ok(StoreUrl::Postgres(_))));
        assert!(matches!(parse("mariadb://h/d"), Ok(StoreUrl::MySql(_))));
        assert!(matches!(parse("mysql://h/d"), Ok(StoreUrl::MySql(_))));
        let nats = NatsServers {
            server: Server { url: "nats://h:1,nats://h:2".to_owned(), namespace: Some("a".to_owned()) },
            replicas: 3,
            storage: Storage::File,
            is_mirrored: true,
        };
        assert_eq!(
            parse("nats://h:1,nats://h:2?replicas=3&namespace=a&storage=file&mirrored=true"),
            Ok(StoreUrl::Nats(nats))
        );
        for bad in ["redis:", "redis", "nats://h?x=1", "file:", "memory:x", "sqlite:"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
