use crate::support::Nodes;

cloakroom_testkit::conformance!(Nodes::new);
