use std::borrow::Cow;

use cloakroom_core::Label;

use crate::error::Error;

/// Who asks for sessions to end without a request of their own, and why. Both are logged, and told to listeners.
///
/// ```
/// # use cloakroom::{Error, Order};
/// let order = Order::new("eve@example.com", "account closed")?;
/// assert_eq!(order.reason(), "account closed");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Order {
    by: Label,
    reason: Label,
}

impl Order {
    /// Makes an order: who asks (an operator's account, `"back-channel logout"`), and why.
    ///
    /// # Errors
    ///
    /// [`InvalidText`](crate::ErrorKind::InvalidText) unless each is 1 to 256 bytes without control characters, so that
    /// none can forge a line in a log (OWASP ASVS 5.0, 16.4.1).
    pub fn new(
        by: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Result<Self, Error> {
        Ok(Self { by: Label::new(by)?, reason: Label::new(reason)? })
    }

    /// Returns who asks.
    #[must_use]
    pub fn by(&self) -> &str {
        self.by.as_str()
    }

    /// Returns why.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.reason.as_str()
    }
}
