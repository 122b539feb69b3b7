//! One session's file, open.

mod read;
mod show;
mod window;
mod write;

use std::collections::BTreeMap;
use std::fs::File;

use cloakroom_core::{Name, Record};

use self::window::Window;
pub(crate) use self::write::{Edits, Keeping, create};
use crate::format::{Header, Held, Slot};

/// What a session's file held when it was read.
#[derive(Debug)]
pub(crate) struct Session {
    file: File,
    window: Window,
    header: Header,
    slot: Slot,
    /// The record, with the last access that is known.
    pub(crate) record: Record,
    attributes: BTreeMap<Name, Held>,
    /// Where the last commit ends. What comes after it was cut short.
    end: u64,
    /// How many frames there are since the last whole one.
    frames: u32,
    /// Whether it was perhaps being written: only who has the lock can tell.
    pub(crate) is_unsure: bool,
}

impl Session {
    pub(crate) fn epoch(&self) -> u64 {
        self.header.epoch
    }

    /// Returns whether it has neither ended for good nor been handed out.
    pub(crate) fn is_open(&self) -> bool {
        self.slot.claimed_until.is_none()
    }

    pub(crate) fn claimed_until(&self) -> Option<cloakroom_core::Timestamp> {
        self.slot.claimed_until
    }
}
