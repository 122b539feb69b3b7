//! The conformance cases on a node with a near cache.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloakroom::NearCache;
use cloakroom::core::{
    AttributeChange, Changes, Commit, CommitId, Creation, DynStore, Edit, Guard, Intent, Limits, Name, Ticket,
};
use cloakroom_nats::NatsStore;
use cloakroom_redis::RedisStore;
use cloakroom_sqlx::PostgresStore;
use cloakroom_testkit::{Harness, run_matching};
use tokio::sync::OnceCell;

use crate::support::Backend;

/// Cases that compare the moment of an access that was answered from memory with the moment at which the store recorded
/// it, a little later. With an exact clock they are run where the cache is.
const TO_THE_MILLISECOND: [&str; 5] = [
    "access::a_load_extends_the_session",
    "access::an_access_after_the_throttle_is_recorded",
    "access::the_throttle_is_at_most_a_tenth_of_the_interval",
    "load::a_load_shows_the_access_before_its_own",
    "access::a_commit_extends_the_session",
];

/// A namespace of its own in a store that tells of changes.
pub(super) struct Servers {
    backend: Backend,
    namespace: String,
    node: OnceCell<NearCache<Arc<dyn DynStore>>>,
    neighbour: OnceCell<NearCache<Arc<dyn DynStore>>>,
}

impl Servers {
    pub(super) async fn of(backend: Backend) -> Self {
        let handle = Ticket::generate().unwrap().handle().to_string();
        let namespace = format!("near{}", &handle[..8]);
        Self { backend, namespace, node: OnceCell::new(), neighbour: OnceCell::new() }
    }

    /// Opens the store at this URL.
    pub(super) async fn open(&self, url: &str) -> Arc<dyn DynStore> {
        self.open_in(url, &self.namespace).await
    }

    async fn open_in(&self, url: &str, namespace: &str) -> Arc<dyn DynStore> {
        match self.backend {
            Backend::Redis | Backend::RedisCluster => {
                let store = RedisStore::connect(url).await.unwrap().namespace(namespace).unwrap();
                Arc::new(store.tell_changes())
            }
            Backend::Postgres => {
                let store = PostgresStore::connect_lazy(url).unwrap().namespace(namespace).unwrap();
                store.migrate().await.unwrap();
                Arc::new(store.tell_changes())
            }
            Backend::Nats => Arc::new(NatsStore::connect(url).await.unwrap().namespace(namespace).unwrap()),
            other => panic!("{other:?} does not tell of changes"),
        }
    }
}

impl Harness for Servers {
    type Store = NearCache<Arc<dyn DynStore>>;

    /// Every one is the same node: another one sees a change a moment later.
    async fn store(&self) -> Self::Store {
        let open = async || NearCache::new(self.open(&self.backend.server()).await).unwrap();
        self.node.get_or_init(open).await.clone()
    }

    async fn neighbour(&self) -> Self::Store {
        let namespace = format!("{}n", self.namespace);
        let open = async || NearCache::new(self.open_in(&self.backend.server(), &namespace).await).unwrap();
        self.neighbour.get_or_init(open).await.clone()
    }

    fn unit(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn advance(&self, by: Duration) {
        tokio::time::sleep(by).await;
    }

    fn is_exact(&self) -> bool {
        false
    }
}

/// Runs the cases. A sweep is none of a cache's business, and on a cluster hundreds of calls.
async fn conforms(backend: Backend) {
    let sweeps = |name: &str| name.starts_with("sweep::") || name.starts_with("lease::");
    let is_skipped = |name: &str| backend == Backend::RedisCluster && sweeps(name);
    let is_run = |name: &str| !TO_THE_MILLISECOND.contains(&name) && !is_skipped(name);
    let report = run_matching(move || Servers::of(backend), is_run).await;
    assert!(report.is_passed(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_conforms() {
    conforms(Backend::Redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_cluster_conforms() {
    conforms(Backend::RedisCluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_conforms() {
    conforms(Backend::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_conforms() {
    conforms(Backend::Nats).await;
}

pub(super) fn change(guard: Guard, value: &'static [u8]) -> Commit {
    let edit = Edit::Set { value: Bytes::from_static(value), ttl: None };
    let attribute = AttributeChange { name: Name::from_static("a"), edit, expect: None };
    Commit {
        id: CommitId::generate().unwrap(),
        guard,
        intent: Intent::Change,
        changes: Changes { attributes: vec![attribute], ..Changes::default() },
        limits: Limits::default(),
        age: Duration::ZERO,
        stands_for: NonZeroU32::MIN,
    }
}

pub(super) fn create(guard: Guard, value: &'static [u8]) -> Commit {
    let interval = Duration::from_secs(600);
    let creation = Creation { max_inactive_interval: interval, max_lifetime: None, bind: None };
    Commit { intent: Intent::Create(creation), ..change(guard, value) }
}
