mod nodes;
mod requests;

pub(crate) use self::nodes::{Mirrored, Nodes};
pub(crate) use self::requests::*;
