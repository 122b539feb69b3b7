mod nodes;

pub(crate) use self::nodes::Nodes;
