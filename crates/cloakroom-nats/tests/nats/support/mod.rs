mod nodes;
mod requests;

pub(crate) use self::nodes::{Mirrored, Nodes, connect};
pub(crate) use self::requests::*;
