use std::error::Error as StdError;
use std::fmt;

use cloakroom_core::{Commit, Error, ErrorKind};

use super::Shared;

/// Why a commit was refused.
#[derive(Debug)]
enum NoRoom {
    DiskFails,
    Records,
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskFails => "memory is full, and no session can be passivated because the disk fails",
            Self::Records => "memory is full, and all that can be passivated is",
        })
    }
}

impl StdError for NoRoom {}

impl Shared {
    /// Waits until a commit stays within the hard bound.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Full`] when it will not: the disk fails, or everything is on it already.
    pub(super) async fn room_for(&self, commit: &Commit) -> Result<(), Error> {
        if self.memory.has_room(commit, self.marks.most) {
            return Ok(());
        }
        let mut progress = self.progress.subscribe();
        let began = progress.borrow_and_update().passes;
        loop {
            self.wake.notify_one();
            let now = *progress.borrow_and_update();
            // The pass that was under way when this began may have been past this session's shard.
            if self.memory.has_room(commit, self.marks.most) {
                return Ok(());
            }
            if now.is_failing {
                return Err(Error::new(ErrorKind::Full, "commit", NoRoom::DiskFails));
            }
            if now.passes >= began + 2 {
                return Err(Error::new(ErrorKind::Full, "commit", NoRoom::Records));
            }
            if progress.changed().await.is_err() {
                return Err(Error::of(ErrorKind::Unavailable, "commit"));
            }
        }
    }
}
