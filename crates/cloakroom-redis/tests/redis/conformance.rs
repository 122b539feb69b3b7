//! The whole kit against each kind of deployment.

mod standalone {
    use crate::support::Nodes;

    cloakroom_testkit::conformance!(async || Nodes::standalone());
}

mod sentinel {
    use crate::support::Nodes;

    cloakroom_testkit::conformance!(async || Nodes::sentinel());
}

mod cluster {
    use crate::support::Nodes;

    cloakroom_testkit::conformance!(async || Nodes::cluster());
}

mod telling {
    use crate::support::Nodes;

    cloakroom_testkit::conformance!(async || Nodes::standalone().telling());
}

mod telling_cluster {
    use crate::support::Nodes;

    cloakroom_testkit::conformance!(async || Nodes::cluster().telling());
}
