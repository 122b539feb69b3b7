use crate::support::Nodes;

cloakroom_testkit::conformance!(async || Nodes::new());
