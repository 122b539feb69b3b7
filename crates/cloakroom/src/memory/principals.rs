use std::collections::{HashMap, HashSet};

use cloakroom_core::{Handle, Principal};

/// Which sessions a principal is signed in to. May hold too much, never too little: whoever reads it asks the session.
#[derive(Debug, Default)]
pub(super) struct Principals(HashMap<Principal, HashSet<Handle>>);

impl Principals {
    pub(super) fn add(&mut self, principal: &Principal, handle: Handle) {
        self.0.entry(principal.clone()).or_default().insert(handle);
    }

    pub(super) fn remove(&mut self, principal: &Principal, handle: Handle) {
        if let Some(handles) = self.0.get_mut(principal) {
            handles.remove(&handle);
            if handles.is_empty() {
                self.0.remove(principal);
            }
        }
    }

    pub(super) fn of(&self, principal: &Principal) -> Vec<Handle> {
        self.0.get(principal).into_iter().flatten().copied().collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
