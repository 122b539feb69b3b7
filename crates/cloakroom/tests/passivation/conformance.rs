//! The conformance cases: with everything in memory, with everything on disk at each operation, and on a real disk.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::core::{
    About, Commit, Depot, Ended, Error, Feed, Handle, Invalidate, Invalidated, Load, Loaded, Outcome,
    Principal, SessionInfo, Store, Sweep,
};
use cloakroom::{MemoryStore, PassivatingStore};
use cloakroom_testkit::{Harness, ManualClock};

use crate::depot::TestDepot;
use crate::support::until;

/// Begins each operation only when every session is on disk.
#[derive(Clone)]
struct Settled {
    store: PassivatingStore,
    settles: bool,
}

impl Settled {
    async fn settled(&self) -> &PassivatingStore {
        if self.settles {
            until(|| self.store.passivated() == self.store.len()).await;
        }
        &self.store
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for Settled {
    const AT_ONCE: bool = PassivatingStore::AT_ONCE;

    fn about(&self) -> About {
        self.store.about()
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        self.settled().await.load(load).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        self.settled().await.commit(commit).await
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        self.settled().await.invalidate(invalidate).await
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        self.settled().await.sessions_of(principal).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        self.settled().await.sweep(sweep).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        self.settled().await.acknowledge(handles).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.store.ping().await
    }

    fn feed(&self) -> Option<Feed> {
        self.store.feed()
    }
}

struct Passivating {
    clock: ManualClock,
    store: Settled,
    neighbour: Settled,
}

impl Passivating {
    async fn of<D: Depot>(max_bytes: u64, settles: bool, [here, next_door]: [D; 2]) -> Self {
        let clock = ManualClock::default();
        let open = async |depot: D, namespace: &str| {
            let memory = MemoryStore::builder().clock(Arc::new(clock.clone()));
            let memory = memory.max_bytes(max_bytes).namespace(namespace);
            let store = memory.passivate_to(depot).hard_max_bytes(u64::MAX).open().await.unwrap();
            Settled { store, settles }
        };
        let (store, neighbour) = (open(here, "here").await, open(next_door, "next door").await);
        Self { store, neighbour, clock }
    }

    async fn in_memory() -> Self {
        Self::of(1 << 30, false, [TestDepot::default(), TestDepot::default()]).await
    }

    async fn hurried() -> Self {
        Self::of(0, false, [TestDepot::default(), TestDepot::default()]).await
    }

    async fn on_disk() -> Self {
        Self::of(0, true, [TestDepot::default(), TestDepot::default()]).await
    }
}

impl Harness for Passivating {
    type Store = Settled;

    async fn store(&self) -> Settled {
        self.store.clone()
    }

    async fn neighbour(&self) -> Settled {
        self.neighbour.clone()
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

mod in_memory {
    use super::Passivating;

    cloakroom_testkit::conformance!(Passivating::in_memory);
}

/// The limit is zero: sessions go to disk whenever they can, also in the middle of operations.
mod hurried {
    use super::Passivating;

    cloakroom_testkit::conformance!(Passivating::hurried);
}

mod on_disk {
    use super::Passivating;

    cloakroom_testkit::conformance!(Passivating::on_disk);
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use cloakroom::SqliteDepot;
    use cloakroom_testkit::Harness;
    use tempfile::TempDir;

    use super::{Passivating, Settled};

    struct OnSqlite {
        inner: Passivating,
        _folder: TempDir,
    }

    impl OnSqlite {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let here = SqliteDepot::open(folder.path().join("here.db")).await.unwrap();
            let next_door = SqliteDepot::open(folder.path().join("next-door.db")).await.unwrap();
            Self { inner: Passivating::of(0, true, [here, next_door]).await, _folder: folder }
        }
    }

    impl Harness for OnSqlite {
        type Store = Settled;

        async fn store(&self) -> Settled {
            self.inner.store().await
        }

        async fn neighbour(&self) -> Settled {
            self.inner.neighbour().await
        }

        fn unit(&self) -> std::time::Duration {
            self.inner.unit()
        }

        async fn advance(&self, by: std::time::Duration) {
            self.inner.advance(by).await;
        }

        fn is_exact(&self) -> bool {
            true
        }
    }

    cloakroom_testkit::conformance!(OnSqlite::new);
}
