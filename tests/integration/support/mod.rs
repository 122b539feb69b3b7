//! What the tests are written with.

mod answer;
mod backend;
mod contents;
mod held;
mod node;
mod open;
mod outage;
mod private;
mod proxy;
mod raw;
mod reader;
mod server;
mod shared;
mod site;
mod upstream;
mod visitor;
mod wait;

pub(crate) use self::answer::{Answer, COOKIE};
pub(crate) use self::backend::Backend;
pub(crate) use self::contents::Contents;
pub(crate) use self::held::Held;
pub(crate) use self::node::Node;
pub(crate) use self::open::open;
pub(crate) use self::outage::Outage;
pub(crate) use self::private::Private;
pub(crate) use self::proxy::{Point, Protocol, Proxy, Stop, Stops};
pub(crate) use self::raw::Raw;
pub(crate) use self::reader::Reader;
pub(crate) use self::server::Server;
pub(crate) use self::site::Site;
pub(crate) use self::upstream::{Upstream, port};
pub(crate) use self::visitor::Visitor;
pub(crate) use self::wait::{PATIENCE, blocking, eventually, served};

/// Makes each case a test for each store.
///
/// A case is an `async fn(Backend)`; the tests are called `memory::CASE`, `file::CASE` and so on. Timed writes count as a
/// store: `redis_held_back::CASE`.
macro_rules! for_each_store {
    ($($case:ident),+ $(,)?) => {
        $crate::support::for_one_store!(memory, Memory, $($case),+);
        $crate::support::for_one_store!(redis_held_back, RedisHeldBack, $($case),+);
        $crate::support::for_each_shared_store!($($case),+);
    };
}

/// Makes each case a test for each store, for a near cache before one, and for a node that holds everything.
macro_rules! for_each_site {
    ($($case:ident),+ $(,)?) => {
        $crate::support::for_each_store!($($case),+);
        $crate::support::for_one_store!(redis_near_cache, RedisNearCache, $($case),+);
        $crate::support::for_one_store!(nats_mirrored, NatsMirrored, $($case),+);
    };
}

/// Makes each case a test for each store that servers share, and that can be away while they live.
macro_rules! for_each_shared_store {
    ($($case:ident),+ $(,)?) => {
        $crate::support::for_one_store!(file, File, $($case),+);
        $crate::support::for_one_store!(sqlite, Sqlite, $($case),+);
        $crate::support::for_each_networked_store!($($case),+);
    };
}

/// Makes each case a test for each store that is a server.
macro_rules! for_each_networked_store {
    ($($case:ident),+ $(,)?) => {
        $crate::support::for_one_store!(redis, Redis, $($case),+);
        $crate::support::for_one_store!(redis_sentinel, RedisSentinel, $($case),+);
        $crate::support::for_one_store!(redis_cluster, RedisCluster, $($case),+);
        $crate::support::for_one_store!(postgres, Postgres, $($case),+);
        $crate::support::for_one_store!(mariadb, MariaDb, $($case),+);
        $crate::support::for_one_store!(nats, Nats, $($case),+);
    };
}

/// Makes each case a test for each store that is one server, which one proxy can stand before. (Where NATS is, they are said beside
/// it: it does some things after the answer, and on one connection for all.)
macro_rules! for_each_single_server {
    ($($case:ident),+ $(,)?) => {
        $crate::support::for_one_store!(redis, Redis, $($case),+);
        $crate::support::for_one_store!(postgres, Postgres, $($case),+);
        $crate::support::for_one_store!(mariadb, MariaDb, $($case),+);
    };
}

/// Makes each case a test for one store, in a module of this name.
macro_rules! for_one_store {
    ($module:ident, $backend:ident, $($case:ident),+) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case($crate::support::Backend::$backend).await;
                }
            )+
        }
    };
}

pub(crate) use {
    for_each_networked_store, for_each_shared_store, for_each_single_server, for_each_site, for_each_store,
    for_one_store,
};
