use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cloakroom_file::{FileStore, FileStoreBuilder};
use cloakroom_testkit::{Harness, ManualClock};
use tempfile::TempDir;

/// A directory in a folder of its own, and nodes that share it.
pub(crate) struct Nodes {
    folder: TempDir,
    pub(crate) clock: ManualClock,
}

impl Nodes {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: ManualClock::default() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.folder.path().join("sessions")
    }

    pub(crate) fn builder(&self) -> FileStoreBuilder {
        FileStore::builder(self.directory()).clock(Arc::new(self.clock.clone()))
    }
}

impl Harness for Nodes {
    type Store = FileStore;

    async fn store(&self) -> FileStore {
        self.builder().open().await.unwrap()
    }

    async fn neighbour(&self) -> FileStore {
        self.builder().namespace("neighbour").unwrap().open().await.unwrap()
    }

    fn unit(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn is_exact(&self) -> bool {
        true
    }
}
