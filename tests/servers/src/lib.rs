//! Starts and stops the real servers that the tests and benchmarks talk to.
//!
//! Each server has a free port and a temporary folder of its own, listens on 127.0.0.1 only, and ends when its value is
//! dropped, or when the process that started it ends, however that ends. Nothing here needs an async runtime.
//!
//! Servers for the tests of failures can be [killed and restarted](Redis::kill), and stopped and continued. The
//! ones that many tests share are started by `cargo run -p servers`, which tells their addresses.

mod error;
mod haproxy;
mod mariadb;
mod nats;
mod port;
mod postgres;
mod process;
mod program;
mod redis;
mod wait;

pub use self::error::Error;
pub use self::haproxy::HaProxy;
pub use self::mariadb::{MariaDb, MariaDbOptions};
pub use self::nats::{Nats, NatsCluster, NatsOptions};
pub use self::port::Port;
pub use self::postgres::{Postgres, PostgresOptions, PostgresPair};
pub use self::redis::{Connection, Redis, RedisCluster, RedisOptions, RedisSentinel, Reply, SentinelOptions};
