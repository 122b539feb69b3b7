use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;

use super::Protocol;
use super::shared::shared;

/// A store to run the cases against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Memory,
    File,
    Sqlite,
    Redis,
    /// Redis, with timed writes before it.
    RedisHeldBack,
    /// With a near cache in each server.
    RedisNearCache,
    RedisSentinel,
    RedisCluster,
    Postgres,
    MariaDb,
    Nats,
    /// With a copy of every session in each server.
    NatsMirrored,
}

impl Backend {
    /// Returns the `--store` of a site whose files are in `folder`.
    pub(crate) fn url(self, folder: &Path) -> String {
        match self {
            Self::Memory => "memory:".to_owned(),
            Self::File => format!("file:{}", folder.join("sessions").display()),
            Self::Sqlite => format!("sqlite:{}", folder.join("sessions.db").display()),
            Self::NatsMirrored => format!("{}&mirrored=true", self.url_on(&self.server())),
            _ => self.url_on(&self.server()),
        }
    }

    /// Returns the `--store` of a site on the server of this URL, with a namespace of its own.
    pub(crate) fn url_on(self, server: &str) -> String {
        let separator = if server.contains('?') { '&' } else { '?' };
        format!("{server}{separator}namespace=t{:016x}", RandomState::new().hash_one(0))
    }

    /// Returns whether the store is a server, which can be away.
    pub(crate) fn has_server(self) -> bool {
        !matches!(self, Self::Memory | Self::File | Self::Sqlite)
    }

    /// Returns the URL of the server that all tests share.
    pub(crate) fn server(self) -> String {
        match self {
            Self::Redis | Self::RedisHeldBack | Self::RedisNearCache => shared("REDIS"),
            Self::RedisSentinel => shared("REDIS_SENTINEL"),
            Self::RedisCluster => shared("REDIS_CLUSTER"),
            Self::Postgres => shared("POSTGRES"),
            Self::MariaDb => shared("MYSQL"),
            Self::Nats | Self::NatsMirrored => shared("NATS"),
            Self::Memory | Self::File | Self::Sqlite => panic!("{self:?} has no server"),
        }
    }

    /// Returns what is spoken with the server.
    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Self::Redis
            | Self::RedisHeldBack
            | Self::RedisNearCache
            | Self::RedisSentinel
            | Self::RedisCluster => Protocol::Redis,
            Self::Postgres => Protocol::Postgres,
            Self::MariaDb => Protocol::MySql,
            Self::Nats | Self::NatsMirrored => Protocol::Nats,
            Self::Memory | Self::File | Self::Sqlite => panic!("{self:?} has no server"),
        }
    }

    /// Returns the options of every server of a site with this store.
    pub(crate) fn options(self) -> &'static [&'static str] {
        match self {
            Self::RedisHeldBack => &["--write-every", "1s"],
            Self::RedisNearCache => &["--near-cache"],
            _ => &[],
        }
    }

    /// Returns how many servers a site has: two, unless `CLOAKROOM_TEST_NODES` says otherwise. A store in memory cannot
    /// be shared. What is held back on one server is seen on another when it is written, and with near caches
    /// or mirrors a change is seen elsewhere a moment later: cases for all stores do not wait for either; `http::held_back` and `near_cache::` have those
    /// that do.
    pub(crate) fn nodes(self) -> usize {
        match self {
            Self::Memory | Self::RedisHeldBack | Self::RedisNearCache | Self::NatsMirrored => 1,
            _ => std::env::var("CLOAKROOM_TEST_NODES").map_or(2, |nodes| nodes.parse().unwrap()),
        }
    }
}
