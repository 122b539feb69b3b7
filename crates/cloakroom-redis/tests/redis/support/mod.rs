#[path = "../../../../../tests/support/log.rs"]
mod log;
mod nodes;
mod private;
mod requests;

pub(crate) use self::log::Log;
pub(crate) use self::nodes::Nodes;
pub(crate) use self::private::*;
pub(crate) use self::requests::*;
