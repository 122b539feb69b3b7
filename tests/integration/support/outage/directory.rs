use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::super::Site;

/// The directory of a file store that nobody can use, until it is told to come back.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    is_away: bool,
    /// Locked as long as they are open.
    _locks: Vec<File>,
}

impl Directory {
    /// Moves the directory away, so that every operation fails.
    pub(super) fn hide(site: &Site) -> Self {
        let path = path(site);
        fs::rename(&path, away(&path)).unwrap();
        Self { path, is_away: true, _locks: Vec::new() }
    }

    /// Takes the locks of all sessions, so that whoever wants to write waits for as long as it may.
    pub(super) fn lock(site: &Site) -> Self {
        let path = path(site);
        let namespaces = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
        let folders = namespaces.flat_map(|namespace| {
            (0..256).map(move |number| namespace.join("sessions").join(format!("{number:02x}")))
        });
        let locks = folders.map(|folder| {
            fs::create_dir_all(&folder).unwrap();
            let lock =
                File::options().write(true).create(true).truncate(false).open(folder.join("lock")).unwrap();
            lock.lock().unwrap();
            lock
        });
        let locks: Vec<_> = locks.collect();
        assert!(!locks.is_empty(), "the store was opened before");
        Self { path, is_away: false, _locks: locks }
    }

    /// Lets it come back.
    pub(super) fn restore(self) {
        if self.is_away {
            fs::rename(away(&self.path), &self.path).unwrap();
        }
    }
}

fn path(site: &Site) -> PathBuf {
    site.folder().join("sessions")
}

fn away(path: &Path) -> PathBuf {
    path.with_extension("away")
}
