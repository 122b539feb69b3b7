mod durable {
    use crate::support::Nodes;

    cloakroom_testkit::conformance!(async || Nodes::new());
}

mod relaxed {
    use crate::support::Nodes;

    cloakroom_testkit::conformance!(async || Nodes::relaxed());
}
