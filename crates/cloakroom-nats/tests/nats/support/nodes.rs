use std::time::{Duration, Instant};

use cloakroom_core::{Error, ErrorKind, Store as _, Ticket};
use cloakroom_nats::{NatsStore, NatsStoreBuilder};
use cloakroom_testkit::Harness;
use tokio::sync::OnceCell;

/// How much less may have passed by one node's idea of the servers' time.
const STEP: Duration = Duration::from_millis(60);

const PATIENCE: Duration = Duration::from_secs(60);

/// A namespace of its own on servers that many tests share, and nodes that use it.
pub(crate) struct Nodes {
    url: String,
    replicas: usize,
    namespace: String,
}

impl Nodes {
    pub(crate) fn standalone() -> Self {
        Self::of("CLOAKROOM_TEST_NATS_URL", 1)
    }

    pub(crate) fn cluster() -> Self {
        Self::of("CLOAKROOM_TEST_NATS_CLUSTER_URL", 3)
    }

    fn of(variable: &str, replicas: usize) -> Self {
        let url = std::env::var(variable)
            .unwrap_or_else(|_| panic!("{variable} is not set: run `tests/run`, which starts the servers"));
        Self { url, replicas, namespace: Ticket::generate().unwrap().handle().to_string() }
    }

    fn builder(&self) -> NatsStoreBuilder {
        NatsStore::builder().replicas(self.replicas)
    }

    async fn connect(&self) -> NatsStore {
        connect(|| self.builder(), &self.url).await
    }
}

/// Connects. The servers of a cluster choose a leader for each stream first, which takes long on a busy machine.
pub(crate) async fn connect(builder: impl Fn() -> NatsStoreBuilder, url: &str) -> NatsStore {
    let began = Instant::now();
    loop {
        match builder().connect(url).await {
            Err(error) if is_passing(&error) && began.elapsed() < PATIENCE => {}
            connected => return connected.unwrap(),
        }
    }
}

fn is_passing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Unavailable)
}

impl Harness for Nodes {
    type Store = NatsStore;

    async fn store(&self) -> NatsStore {
        self.connect().await.namespace(&self.namespace).unwrap()
    }

    async fn neighbour(&self) -> NatsStore {
        let namespace = format!("{}-neighbour", self.namespace);
        self.connect().await.namespace(&namespace).unwrap()
    }

    fn unit(&self) -> Duration {
        Duration::from_millis(500)
    }

    async fn advance(&self, by: Duration) {
        tokio::time::sleep(by + STEP).await;
    }

    fn is_exact(&self) -> bool {
        false
    }
}

/// One node that holds every session. Another one would see its changes a moment later, which most cases do not wait for.
pub(crate) struct Mirrored {
    nodes: Nodes,
    node: OnceCell<NatsStore>,
    neighbour: OnceCell<NatsStore>,
}

impl Mirrored {
    pub(crate) fn standalone() -> Self {
        Self { nodes: Nodes::standalone(), node: OnceCell::new(), neighbour: OnceCell::new() }
    }

    async fn open(&self, namespace: &str) -> NatsStore {
        let builder = self.nodes.builder().mirrored(true);
        let store = builder.connect(&self.nodes.url).await.unwrap().namespace(namespace).unwrap();
        let began = Instant::now();
        while store.mirror_state().unwrap().lag.is_none() {
            assert!(began.elapsed() < PATIENCE, "no whole mirror");
            store.ping().await.unwrap();
        }
        store
    }
}

impl Harness for Mirrored {
    type Store = NatsStore;

    async fn store(&self) -> NatsStore {
        self.node.get_or_init(|| self.open(&self.nodes.namespace)).await.clone()
    }

    async fn neighbour(&self) -> NatsStore {
        let namespace = format!("{}-neighbour", self.nodes.namespace);
        self.neighbour.get_or_init(async || self.open(&namespace).await).await.clone()
    }

    fn unit(&self) -> Duration {
        self.nodes.unit()
    }

    async fn advance(&self, by: Duration) {
        self.nodes.advance(by).await;
    }

    fn is_exact(&self) -> bool {
        false
    }
}
