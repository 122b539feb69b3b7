//! The whole kit against one server.

mod standalone {
    use crate::support::Nodes;

    cloakroom_testkit::conformance!(async || Nodes::standalone());
}
