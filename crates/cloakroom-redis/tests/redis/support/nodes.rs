use std::time::Duration;

use cloakroom_core::Ticket;
use cloakroom_redis::RedisStore;
use cloakroom_testkit::Harness;

/// A namespace of its own on a server that many tests share, and nodes that use it.
pub(crate) struct Nodes {
    url: String,
    namespace: String,
    tells: bool,
}

impl Nodes {
    pub(crate) fn standalone() -> Self {
        Self::of("CLOAKROOM_TEST_REDIS_URL")
    }

    pub(crate) fn sentinel() -> Self {
        Self::of("CLOAKROOM_TEST_REDIS_SENTINEL_URL")
    }

    pub(crate) fn cluster() -> Self {
        Self::of("CLOAKROOM_TEST_REDIS_CLUSTER_URL")
    }

    fn of(variable: &str) -> Self {
        let url = std::env::var(variable)
            .unwrap_or_else(|_| panic!("{variable} is not set: run `tests/run`, which starts the servers"));
        Self { url, namespace: format!("test:{}", Ticket::generate().unwrap().handle()), tells: false }
    }

    /// The same, which tell of changes.
    pub(crate) fn telling(self) -> Self {
        Self { tells: true, ..self }
    }

    async fn open(&self, namespace: &str) -> RedisStore {
        let store = RedisStore::connect(&self.url).await.unwrap().namespace(namespace).unwrap();
        if self.tells { store.tell_changes() } else { store }
    }
}

impl Harness for Nodes {
    type Store = RedisStore;

    async fn store(&self) -> RedisStore {
        self.open(&self.namespace).await
    }

    async fn neighbour(&self) -> RedisStore {
        self.open(&format!("{}:neighbour", self.namespace)).await
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
