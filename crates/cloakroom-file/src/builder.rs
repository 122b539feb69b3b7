use std::path::PathBuf;
use std::sync::Arc;

use cloakroom_core::{Clock, Error, InvalidText, Name};

use crate::inner::Inner;
use crate::job::Jobs;
use crate::place::Place;
use crate::store::FileStore;
use crate::time::{ServerClock, Time};

/// How long a commit waits for the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Until it is on disk, with `fsync`: what was acknowledged survives a crash of the machine and a power cut, as far as
    /// the disk, or the file server, keeps what it has confirmed. The default, like SQLite's `synchronous = FULL`.
    #[default]
    EveryCommit,
    /// Not at all, but for one in 32: what was acknowledged survives the end of the process, however abrupt. After a crash of
    /// the machine or a power cut a session may be as it was some seconds before, or gone, or one that was logged out may
    /// be back.
    Relaxed,
}

/// Opens a [`FileStore`] with settings of its own.
///
/// # Examples
///
/// ```
/// use cloakroom_file::{Durability, FileStore};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let directory = folder.path().join("sessions");
/// let store =
///     FileStore::builder(directory).namespace("shop")?.durability(Durability::Relaxed).open().await?;
/// # drop(store);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct FileStoreBuilder {
    directory: PathBuf,
    namespace: Name,
    durability: Durability,
    clock: Option<Arc<dyn Clock>>,
}

impl FileStoreBuilder {
    pub(crate) fn new(directory: PathBuf) -> Self {
        let namespace = Name::from_static("cloakroom");
        Self { directory, namespace, durability: Durability::default(), clock: None }
    }

    /// Sets whose sessions these are. `cloakroom` unless set.
    ///
    /// Sessions of different namespaces never meet, though they share a directory.
    ///
    /// # Errors
    ///
    /// Unless it is 1 to 256 bytes without control characters.
    pub fn namespace(mut self, namespace: &str) -> Result<Self, InvalidText> {
        self.namespace = Name::new(namespace.to_owned())?;
        Ok(self)
    }

    /// Sets how long a commit waits for the disk. [`Durability::EveryCommit`] unless set.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets where the time is read, for tests. The clock of the machine that keeps the files unless set.
    ///
    /// All who share a directory must have the same time.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Opens the directory. It is made where it does not exist, but not the one that it is in. Several processes may do
    /// so at the same time.
    ///
    /// # Errors
    ///
    /// When it cannot be made or written, is no directory, can be written by others, or is of a layout that this version
    /// does not know.
    pub async fn open(self) -> Result<FileStore, Error> {
        let jobs = Jobs::default();
        let inner = jobs.run("open", move |caller| {
            let place = Place::open(&self.directory, self.namespace.as_str(), caller)?;
            let time = match self.clock {
                Some(clock) => Time::Given(clock),
                None => Time::Server(ServerClock::new(place.clock())),
            };
            time.now()?;
            let is_durable = self.durability == Durability::EveryCommit;
            Ok(Inner::new(place, self.namespace.as_str().into(), time, is_durable))
        });
        Ok(FileStore::new(Arc::new(inner.await?), jobs))
    }
}
