mod database;
#[path = "../../../../../tests/support/log.rs"]
mod log;
mod pooler;
mod proxy;
mod requests;

pub(crate) use self::database::{Database, age_all, run, scalar, shared_url};
pub(crate) use self::log::Log;
pub(crate) use self::pooler::Pooler;
pub(crate) use self::proxy::{Passed, Proxy, port_of};
pub(crate) use self::requests::*;
