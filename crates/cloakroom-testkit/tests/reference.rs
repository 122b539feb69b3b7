//! The reference store passes every case, each as a test of its own.

use cloakroom_testkit::{ReferenceHarness, conformance};

conformance!(ReferenceHarness::new);
