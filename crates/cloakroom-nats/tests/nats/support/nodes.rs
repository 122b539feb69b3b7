use std::time::Duration;

use cloakroom_core::Ticket;
use cloakroom_nats::{NatsStore, NatsStoreBuilder};
use cloakroom_testkit::Harness;

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
}

impl Harness for Nodes {
    type Store = NatsStore;

    async fn store(&self) -> NatsStore {
        self.builder().connect(&self.url).await.unwrap().namespace(&self.namespace).unwrap()
    }

    async fn neighbour(&self) -> NatsStore {
        let namespace = format!("{}-neighbour", self.namespace);
        self.builder().connect(&self.url).await.unwrap().namespace(&namespace).unwrap()
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
