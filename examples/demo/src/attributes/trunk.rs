use cloakroom::Attribute;
use serde::{Deserialize, Serialize};

const BYTES: usize = 16 << 10;

/// A heavy attribute that nothing ever reads, for the inspector: no request should have to carry it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Trunk(String);

impl Attribute for Trunk {
    const NAME: &'static str = "trunk";
}

impl Trunk {
    pub(crate) fn full() -> Self {
        Self("Moth powder. ".chars().cycle().take(BYTES).collect())
    }
}
