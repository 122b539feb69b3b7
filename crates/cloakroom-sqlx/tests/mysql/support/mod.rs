#[path = "../../../../../tests/support/log.rs"]
mod log;
mod proxy;
mod requests;
mod server;
mod tables;

pub(crate) use self::log::Log;
pub(crate) use self::proxy::{Proxy, Traffic};
pub(crate) use self::requests::*;
pub(crate) use self::server::{Nodes, limited, server, start};
pub(crate) use self::tables::*;
