//! The near cache: the conformance cases on nodes of one store, and what is its own.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic as the test does")]

mod access;
mod feed;
mod held;
mod hits;
mod node;
mod requests;
mod telling;
mod under_way;

mod conformance {
    use crate::node::Nodes;

    cloakroom_testkit::conformance!(Nodes::new);
}
