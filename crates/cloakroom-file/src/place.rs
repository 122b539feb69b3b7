//! Where things are in the directory.
//!
//! ```text
//! DIR/NAMESPACE/state                          format, and how often everybody's sessions were ended
//!               lock                           for writing `state`
//!               clock                          see `ServerClock`
//!               sessions/BYTE/HANDLE           a session
//!                             lock             for all sessions in this folder
//!                             new              what is about to replace one of them
//!               principals/BYTE/HASH/HANDLE    this principal may be signed in to that session; an empty file
//!                               lock           for all principals in this folder
//! ```
//!
//! A namespace and a principal are there as their SHA-256, a handle in hexadecimal: no name of anybody's choice is part
//! of a path.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cloakroom_core::{Handle, Principal};
use sha2::{Digest as _, Sha256};

use crate::error::{Result, Unfit, if_there};
use crate::files;
use crate::job::Caller;
use crate::lock::{Lock, PATIENCE};
use crate::state::State;

/// How many folders sessions are spread over, and principals.
pub(crate) const FOLDERS: usize = 256;

/// What group and others could write to.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The directory of one namespace.
#[derive(Debug)]
pub(crate) struct Place {
    root: PathBuf,
}

impl Place {
    /// Makes what is missing. Several processes may do so at the same time.
    pub(crate) fn open(directory: &Path, namespace: &str, caller: &Caller) -> Result<Self> {
        if files::folder(directory)? {
            let parent = directory.parent().filter(|it| !it.as_os_str().is_empty());
            let synced = files::sync_folder(parent.unwrap_or_else(|| Path::new(".")));
            synced.inspect_err(|_| drop(fs::remove_dir(directory)))?;
        }
        check(directory, &fs::metadata(directory)?)?;
        let place = Self { root: directory.join(hash(namespace)) };
        files::folder(&place.root)?;
        check(&place.root, &fs::symlink_metadata(&place.root)?)?;
        for folder in ["sessions", "principals"] {
            files::folder(&place.root.join(folder))?;
        }
        let _lock = place.lock(caller)?;
        if if_there(fs::symlink_metadata(place.state()))?.is_none() {
            State::default().write(&place)?;
        }
        // Whoever made what is there may not have waited for it.
        files::sync_folder(&place.root)?;
        files::sync_folder(directory)?;
        place.read_state()?;
        Ok(place)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    pub(crate) fn clock(&self) -> PathBuf {
        self.root.join("clock")
    }

    pub(crate) fn read_state(&self) -> Result<State> {
        State::read(self)
    }

    pub(crate) fn lock(&self, caller: &Caller) -> Result<Lock> {
        Lock::exclusive(&self.root.join("lock"), caller, PATIENCE)
    }

    /// Returns one of the folders with sessions in them.
    pub(crate) fn folder(&self, number: usize) -> PathBuf {
        self.root.join("sessions").join(format!("{number:02x}"))
    }

    pub(crate) fn folder_of(&self, handle: Handle) -> PathBuf {
        // The last byte is random in every version of a UUID.
        self.folder(usize::from(handle.as_bytes()[15]))
    }

    pub(crate) fn session(&self, handle: Handle) -> PathBuf {
        self.folder_of(handle).join(file_name(handle))
    }

    /// Returns one of the folders with principals' folders in them.
    pub(crate) fn index(&self, number: usize) -> PathBuf {
        self.root.join("principals").join(format!("{number:02x}"))
    }

    /// Returns the folder that a principal's folder is in.
    pub(crate) fn principals(&self, principal: &Principal) -> PathBuf {
        self.root.join("principals").join(&hash(principal.as_str())[..2])
    }

    pub(crate) fn principal(&self, principal: &Principal) -> PathBuf {
        self.principals(principal).join(hash(principal.as_str()))
    }

    pub(crate) fn entry(&self, principal: &Principal, handle: Handle) -> PathBuf {
        self.principal(principal).join(file_name(handle))
    }
}

/// Whoever could write to the directory could put links and sessions of their own there.
fn check(path: &Path, found: &fs::Metadata) -> Result<()> {
    let mode = found.permissions().mode() & 0o7777;
    if !found.is_dir() {
        return Err(Unfit::NotADirectory(path.to_owned()).into());
    }
    if mode & WRITABLE_BY_OTHERS != 0 {
        return Err(Unfit::OpenToOthers(path.to_owned(), mode).into());
    }
    Ok(())
}

pub(crate) fn file_name(handle: Handle) -> String {
    hex(handle.as_bytes())
}

/// Lists the sessions that files of a folder are named after; there may be no such folder.
pub(crate) fn handles_in(folder: &Path) -> Result<Vec<Handle>> {
    let Some(entries) = if_there(fs::read_dir(folder))? else { return Ok(Vec::new()) };
    let mut handles = Vec::new();
    for entry in entries {
        handles.extend(entry?.file_name().to_str().and_then(handle_of));
    }
    Ok(handles)
}

/// Returns whose file this is; `None` for what is no session's.
fn handle_of(file_name: &str) -> Option<Handle> {
    let handle = file_name.parse().ok()?;
    (self::file_name(handle) == file_name).then_some(handle)
}

fn hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
