use std::error::Error as StdError;
use std::fmt;

use cloakroom_core::{Commit, Error, ErrorKind};

use super::Shared;
use crate::memory::Room;

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
            Self::Records => {
                "there are as many sessions as allowed, or memory is full and all that can be passivated is"
            }
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
        let room = || self.memory.room(commit, self.marks.most, self.marks.high);
        if room() == Room::Enough {
            return Ok(());
        }
        let mut progress = self.progress.subscribe();
        loop {
            self.wake.notify_one();
            let is_failing = *progress.borrow_and_update();
            let refused = |reason| Err(Error::new(ErrorKind::Full, "commit", reason));
            match room() {
                Room::Enough => return Ok(()),
                Room::Never => return refused(NoRoom::Records),
                Room::Later if is_failing => return refused(NoRoom::DiskFails),
                Room::Later => {}
            }
            if progress.changed().await.is_err() {
                return Err(Error::of(ErrorKind::Unavailable, "commit"));
            }
        }
    }
}
