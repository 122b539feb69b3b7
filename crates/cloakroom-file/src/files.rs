//! How files and folders are made and opened: for the owner alone, and never through a symbolic link.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).mode(FILE_MODE).custom_flags(flags(OFlags::NOFOLLOW | OFlags::CLOEXEC));
    options
}

/// The flags of `open` as the standard library takes them.
fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

pub(crate) fn readable(path: &Path) -> io::Result<File> {
    options().open(path)
}

pub(crate) fn writable(path: &Path, create: bool) -> io::Result<File> {
    options().write(true).create(create).open(path)
}

/// Makes a file that did not exist.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    options().write(true).create_new(true).open(path)
}

/// Makes a folder, and returns whether it did not exist.
pub(crate) fn folder(path: &Path) -> io::Result<bool> {
    match DirBuilder::new().mode(FOLDER_MODE).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Waits until the names in a folder are on disk.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Removes a file, and returns whether there was one.
pub(crate) fn remove(path: &Path) -> io::Result<bool> {
    crate::error::if_there(std::fs::remove_file(path)).map(|removed| removed.is_some())
}
