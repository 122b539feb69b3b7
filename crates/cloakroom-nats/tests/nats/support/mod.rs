mod nodes;
mod requests;

pub(crate) use self::nodes::Nodes;
pub(crate) use self::requests::*;
