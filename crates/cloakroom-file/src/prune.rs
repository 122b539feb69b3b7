//! Entries of the index that outlived their session.
//!
//! One stays where a sign-in was cut short before its session was there, or a session was too damaged to tell whose it was.

use std::fs;
use std::path::{Path, PathBuf};

use cloakroom_core::Handle;

use crate::error::{Result, if_there};
use crate::inner::Inner;
use crate::job::Caller;
use crate::place::handles_in;
use crate::principal::remove_from;
use crate::sweep::Round;

impl Inner {
    /// Looks through the principals of one folder, and removes the entries of sessions that are gone.
    pub(crate) fn prune_index(&self, folder: &Path, round: &mut Round<'_>, caller: &Caller) {
        match folders_in(folder) {
            Ok(principals) => {
                for principal in principals {
                    self.prune_principal(&principal, round, caller);
                }
            }
            Err(failure) => round.leave_out(folder, failure),
        }
    }

    fn prune_principal(&self, principal: &Path, round: &mut Round<'_>, caller: &Caller) {
        if caller.still_there().is_err() {
            return;
        }
        match handles_in(principal) {
            // Whoever is about to sign in makes it again.
            Ok(handles) if handles.is_empty() => drop(fs::remove_dir(principal)),
            Ok(handles) => {
                for handle in handles {
                    if let Err(failure) = self.remove_if_gone(principal, handle, caller) {
                        round.leave_out(principal, failure);
                    }
                }
            }
            Err(failure) => round.leave_out(principal, failure),
        }
    }

    /// Removes an entry, unless its session is being created, or everything that was next to it is away as well.
    fn remove_if_gone(&self, principal: &Path, handle: Handle, caller: &Caller) -> Result<()> {
        if self.has_file(handle)? {
            return Ok(());
        }
        let Some(_lock) = self.lock(handle, caller)? else { return Ok(()) };
        if !self.has_file(handle)? {
            self.settle(handle)?;
            remove_from(principal, handle);
        }
        Ok(())
    }

    pub(crate) fn has_file(&self, handle: Handle) -> Result<bool> {
        Ok(if_there(fs::symlink_metadata(self.place.session(handle)))?.is_some())
    }
}

fn folders_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let Some(entries) = if_there(fs::read_dir(folder))? else { return Ok(Vec::new()) };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}
