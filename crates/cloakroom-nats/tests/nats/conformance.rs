//! The whole kit against each kind of deployment.

mod standalone {
    use crate::support::Nodes;

    cloakroom_testkit::conformance!(async || Nodes::standalone());
}

mod cluster {
    use crate::support::Nodes;

    cloakroom_testkit::conformance!(async || Nodes::cluster());
}

mod mirrored {
    use crate::support::Mirrored;

    cloakroom_testkit::conformance!(async || Mirrored::standalone());
}
