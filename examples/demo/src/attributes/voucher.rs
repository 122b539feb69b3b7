use std::time::Duration;

use cloakroom::Attribute;
use serde::{Deserialize, Serialize};

/// A one-time code: good for two minutes, and for one try.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Voucher(String);

impl Attribute for Voucher {
    const NAME: &'static str = "voucher";
    const TTL: Option<Duration> = Some(Duration::from_secs(2 * 60));
}

impl Voucher {
    /// Draws a code of six digits.
    pub(crate) fn draw() -> Result<Self, getrandom::Error> {
        Ok(Self(format!("{:06}", getrandom::u32()? % 1_000_000)))
    }

    pub(crate) fn code(&self) -> &str {
        &self.0
    }
}
