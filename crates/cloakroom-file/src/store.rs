use std::borrow::Borrow as _;
use std::path::PathBuf;
use std::sync::Arc;

use cloakroom_core::{
    About, Commit, Ended, Error, Feed, Handle, Invalidate, Invalidated, Load, Loaded, Outcome, Principal,
    SessionInfo, Store, Sweep,
};

use crate::builder::FileStoreBuilder;
use crate::error::Result as Done;
use crate::inner::Inner;
use crate::job::{Caller, Jobs};

/// Keeps sessions in a directory, one file each.
///
/// A clone is the same store. See the [crate] for guarantees, durability, cost and what to know of file servers.
///
/// # Examples
///
/// ```
/// use cloakroom_core::Store as _;
/// use cloakroom_file::FileStore;
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let directory = folder.path().join("sessions");
/// let store = FileStore::open(directory).await?;
/// store.ping().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileStore {
    inner: Arc<Inner>,
    jobs: Jobs,
}

impl FileStore {
    pub(crate) fn new(inner: Arc<Inner>, jobs: Jobs) -> Self {
        Self { inner, jobs }
    }

    /// Opens a directory with the default settings, and makes it where it does not exist.
    ///
    /// # Errors
    ///
    /// See [`FileStoreBuilder::open`].
    pub async fn open(directory: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::builder(directory).open().await
    }

    /// Starts opening a directory with other settings.
    pub fn builder(directory: impl Into<PathBuf>) -> FileStoreBuilder {
        FileStoreBuilder::new(directory.into())
    }

    /// Runs one operation with a copy of what was asked for, which outlives a future that is dropped.
    async fn run<A, T>(
        &self,
        operation: &'static str,
        asked: &A,
        job: fn(&Inner, &A, &Caller) -> Done<T>,
    ) -> Result<T, Error>
    where
        A: ToOwned + Sync + ?Sized + 'static,
        A::Owned: Send + 'static,
        T: Send + 'static,
    {
        let (inner, asked) = (Arc::clone(&self.inner), asked.to_owned());
        self.jobs.run(operation, move |caller| job(&inner, asked.borrow(), caller)).await
    }
}

impl Store for FileStore {
    fn about(&self) -> About {
        About { backend: "file", namespace: Arc::clone(&self.inner.namespace) }
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        self.run("load", load, Inner::load).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        self.run("commit", commit, Inner::commit).await
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        self.run("invalidate", invalidate, Inner::invalidate).await
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        self.run("sessions of a principal", principal, Inner::sessions_of).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        self.run("sweep", sweep, Inner::sweep).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        self.run("acknowledge", handles, Inner::acknowledge).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.run("ping", &(), |inner, (), _| inner.ping()).await
    }

    /// None: a file server tells nobody of what others write.
    fn feed(&self) -> Option<Feed> {
        None
    }
}
