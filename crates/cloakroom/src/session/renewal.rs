use cloakroom_core::{Opened, Standing};

use super::Inner;
use crate::route::Activity;

impl Inner {
    /// Returns whether the ticket that opened this session is old enough to be renewed by itself.
    #[inline]
    pub(super) fn is_to_renew(&self, opened: &Opened) -> bool {
        let Some(age) = self.settings().renew_every else { return false };
        let is_activity = self.marks().activity() != Activity::Never;
        is_activity
            && opened.standing == Standing::Current
            && opened.now.since(opened.meta.ticket_issued_at) >= age
    }
}
