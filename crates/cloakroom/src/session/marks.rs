use std::sync::atomic::{AtomicU8, Ordering};

use crate::route::Activity;

/// What the layer and the route say of a request.
#[derive(Debug, Default)]
pub(crate) struct Marks(AtomicU8);

const ALWAYS: u8 = 1;
const NEVER: u8 = 2;
const ANONYMOUS: u8 = 4;
const LOAD_POLICY: u8 = 8;
const LATEST: u8 = 16;
const WITHIN: u8 = 32;

impl Marks {
    pub(super) fn of(activity: Activity) -> Self {
        Self(AtomicU8::new(bits(activity)))
    }

    #[inline]
    pub(super) fn activity(&self) -> Activity {
        match self.0.load(Ordering::Relaxed) & (ALWAYS | NEVER) {
            ALWAYS => Activity::Always,
            NEVER => Activity::Never,
            _ => Activity::IfUsed,
        }
    }

    pub(crate) fn set_activity(&self, activity: Activity) {
        self.0.fetch_and(!(ALWAYS | NEVER), Ordering::Relaxed);
        self.0.fetch_or(bits(activity), Ordering::Relaxed);
    }

    /// Returns whether only the newest state will do.
    #[inline]
    pub(super) fn demands_latest(&self) -> bool {
        self.0.load(Ordering::Relaxed) & LATEST != 0
    }

    pub(crate) fn demand_latest(&self) {
        self.0.fetch_or(LATEST, Ordering::Relaxed);
    }

    /// Returns whether another session layer is around this one.
    #[inline]
    pub(crate) fn is_within_another(&self) -> bool {
        self.0.load(Ordering::Relaxed) & WITHIN != 0
    }

    pub(super) fn put_within_another(&self) {
        self.0.fetch_or(WITHIN, Ordering::Relaxed);
    }

    pub(super) fn allows_anonymous(&self) -> bool {
        self.0.load(Ordering::Relaxed) & ANONYMOUS != 0
    }

    pub(crate) fn allow_anonymous(&self) {
        self.0.fetch_or(ANONYMOUS, Ordering::Relaxed);
    }

    /// Returns whether the route says what is loaded.
    #[inline]
    pub(super) fn has_load_policy(&self) -> bool {
        self.0.load(Ordering::Relaxed) & LOAD_POLICY != 0
    }

    pub(crate) fn take_load_policy(&self) {
        self.0.fetch_or(LOAD_POLICY, Ordering::Relaxed);
    }
}

fn bits(activity: Activity) -> u8 {
    match activity {
        Activity::IfUsed => 0,
        Activity::Always => ALWAYS,
        Activity::Never => NEVER,
    }
}
