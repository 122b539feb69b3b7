use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloakroom::core::{
    AttributeChange, Bind, Changes, Commit, CommitId, Creation, Edit, Error, Freshness, Guard, Intent,
    Limits, Load, Loaded, Name, Opened, Outcome, Principal, Select, Store, Ticket, Touch, Version, Wanted,
};
use cloakroom::memory::MemoryStoreBuilder;
use cloakroom::{MemoryStore, PassivatingStore};
use cloakroom_testkit::ManualClock;

use crate::depot::TestDepot;

pub(crate) const INTERVAL: Duration = Duration::from_secs(60);

/// A store with a limit, its disk, and its time.
pub(crate) struct Rig {
    pub(crate) clock: ManualClock,
    pub(crate) depot: TestDepot,
    pub(crate) store: PassivatingStore,
}

impl Rig {
    /// Makes a store that keeps so much in memory, and has no hard bound.
    pub(crate) async fn new(max_bytes: u64) -> Self {
        Self::bounded(max_bytes, u64::MAX).await
    }

    pub(crate) async fn bounded(max_bytes: u64, hard: u64) -> Self {
        let (clock, depot) = (ManualClock::default(), TestDepot::default());
        let builder = memory(&clock).max_bytes(max_bytes);
        let store = builder.passivate_to(depot.clone()).hard_max_bytes(hard).open().await.unwrap();
        Self { clock, depot, store }
    }

    /// Starts again on the same disk.
    pub(crate) async fn restart(self) -> Self {
        let Self { clock, depot, store } = self;
        drop(store);
        let builder = memory(&clock).max_bytes(0);
        let store = builder.passivate_to(depot.clone()).hard_max_bytes(u64::MAX).open().await.unwrap();
        Self { clock, depot, store }
    }

    /// Makes a session with an attribute of so many bytes.
    pub(crate) async fn create(&self, bytes: usize) -> Guard {
        let commit = create(bytes, None);
        assert!(matches!(self.store.commit(&commit).await.unwrap(), Outcome::Committed(_)));
        commit.guard
    }

    pub(crate) async fn sign_in(&self, principal: &str) -> Guard {
        let commit = create(100, Some(principal));
        assert!(matches!(self.store.commit(&commit).await.unwrap(), Outcome::Committed(_)));
        commit.guard
    }

    pub(crate) async fn open(&self, guard: Guard) -> Option<Box<Opened>> {
        match self.store.load(&load(guard)).await.unwrap() {
            Loaded::Open(opened) => Some(opened),
            _ => None,
        }
    }

    pub(crate) async fn set(&self, guard: Guard, value: &[u8]) -> Result<Version, Error> {
        match self.store.commit(&change(guard, value)).await? {
            Outcome::Committed(committed) => Ok(committed.version),
            other => panic!("{other:?}"),
        }
    }

    /// Waits until every session is on disk.
    pub(crate) async fn all_away(&self) {
        until(|| self.store.passivated() == self.store.len()).await;
    }
}

fn memory(clock: &ManualClock) -> MemoryStoreBuilder {
    MemoryStore::builder().clock(Arc::new(clock.clone()))
}

pub(crate) async fn until(condition: impl Fn() -> bool + Send + Sync) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_secs(60);
    assert!(tokio::time::timeout(patience, wait).await.is_ok(), "it did not come to pass in a minute");
}

pub(crate) fn create(bytes: usize, principal: Option<&str>) -> Commit {
    let bind = principal.map(|name| Bind { principal: ada(name), max_sessions: None });
    let creation = Creation { max_inactive_interval: INTERVAL, max_lifetime: None, bind };
    let guard = Ticket::generate().unwrap().guard();
    Commit { intent: Intent::Create(creation), ..change(guard, &vec![7; bytes]) }
}

pub(crate) fn change(guard: Guard, value: &[u8]) -> Commit {
    let edit = Edit::Set { value: Bytes::copy_from_slice(value), ttl: None };
    let attribute = AttributeChange { name: Name::from_static("a"), edit, expect: None };
    Commit {
        id: CommitId::generate().unwrap(),
        guard,
        intent: Intent::Change,
        changes: Changes { attributes: vec![attribute], ..Changes::default() },
        limits: Limits { attribute_bytes: u64::MAX, session_bytes: u64::MAX, ..Limits::default() },
        age: Duration::ZERO,
        stands_for: NonZeroU32::MIN,
    }
}

pub(crate) fn load(guard: Guard) -> Load {
    Load { guard, select: everything(), touch: Touch::AtMostEvery(Duration::ZERO), freshness: Freshness::Any }
}

pub(crate) fn everything() -> Select {
    Select { values: Wanted::Everything, names: true }
}

pub(crate) fn ada(name: &str) -> Principal {
    Principal::new(name.to_owned()).unwrap()
}
