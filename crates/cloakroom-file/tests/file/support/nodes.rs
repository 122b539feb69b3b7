use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cloakroom_core::{Ticket, Timestamp};
use cloakroom_file::{Durability, FileStore, FileStoreBuilder};
use cloakroom_testkit::{Harness, ManualClock};
use tempfile::TempDir;

/// A directory in a folder of its own, and nodes that share it.
pub(crate) struct Nodes {
    folder: TempDir,
    pub(crate) clock: ManualClock,
    durability: Durability,
}

impl Nodes {
    /// Their clock is a day ahead, so that a file which a test has written is due for a sweep.
    pub(crate) fn new() -> Self {
        let tomorrow = Timestamp::from(SystemTime::now()).plus(Duration::from_secs(24 * 60 * 60));
        let clock = ManualClock::new(tomorrow);
        Self { folder: tempfile::tempdir().unwrap(), clock, durability: Durability::default() }
    }

    pub(crate) fn relaxed() -> Self {
        Self { durability: Durability::Relaxed, ..Self::new() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.folder.path().join("sessions")
    }

    /// Returns the folder of the default namespace.
    pub(crate) fn namespace(&self) -> PathBuf {
        let namespaces: Vec<_> =
            std::fs::read_dir(self.directory()).unwrap().map(|it| it.unwrap().path()).collect();
        assert_eq!(namespaces.len(), 1);
        namespaces.into_iter().next().unwrap()
    }

    /// Returns where a ticket's session is.
    pub(crate) fn file(&self, ticket: &Ticket) -> PathBuf {
        let handle = ticket.handle().to_string().replace('-', "");
        self.namespace().join("sessions").join(&handle[30..]).join(handle)
    }

    /// Takes the lock of a ticket's session, until it is dropped.
    pub(crate) fn lock(&self, ticket: &Ticket) -> File {
        let lock = File::options().write(true).open(self.file(ticket).with_file_name("lock")).unwrap();
        lock.lock().unwrap();
        lock
    }

    /// Changes the bytes of a session's file.
    pub(crate) fn tamper(&self, ticket: &Ticket, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = std::fs::read(self.file(ticket)).unwrap();
        change(&mut bytes);
        std::fs::write(self.file(ticket), bytes).unwrap();
    }

    pub(crate) fn builder(&self) -> FileStoreBuilder {
        let builder = FileStore::builder(self.directory()).durability(self.durability);
        builder.clock(Arc::new(self.clock.clone()))
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
