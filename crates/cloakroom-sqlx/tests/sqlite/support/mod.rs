#[path = "../../../../../tests/support/log.rs"]
mod log;
mod nodes;
mod requests;
mod tables;

pub(crate) use self::log::Log;
pub(crate) use self::nodes::{Nodes, pool_of};
pub(crate) use self::requests::*;
pub(crate) use self::tables::*;
