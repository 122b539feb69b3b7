use cloakroom::Attribute;
use serde::{Deserialize, Serialize};

/// Something to be told on the next page, once: set by an action, taken by the page after the redirect.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Notice(pub(crate) String);

impl Attribute for Notice {
    const NAME: &'static str = "notice";
}
