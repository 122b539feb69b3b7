//! Redis: alone, watched by sentinels, and as a cluster.

mod cluster;
mod connection;
mod sentinel;
mod standalone;
mod view;

pub use self::cluster::RedisCluster;
pub use self::connection::{Connection, Reply};
pub use self::sentinel::{RedisSentinel, SentinelOptions};
pub use self::standalone::{Redis, RedisOptions};
use crate::program::Program;

const SERVER: Program = Program { name: "redis-server", package: "redis-server" };
const SENTINEL: Program = Program { name: "redis-sentinel", package: "redis-sentinel" };
