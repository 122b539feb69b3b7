//! The store that `--store` names.

mod held_back;
mod url;

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom::core::DynStore;
use cloakroom::{FileStore, MemoryStore, NearCache, SqliteStore};
use cloakroom_nats::NatsStore;
use cloakroom_redis::RedisStore;
use cloakroom_sqlx::{MySqlStore, PostgresStore};
use tokio::time::sleep;

pub(crate) use self::held_back::HeldBack;
pub(crate) use self::url::StoreUrl;

const PAUSE: Duration = Duration::from_millis(100);

impl StoreUrl {
    /// Opens the store, with a near cache before it if that is asked for. Tries again for as long as it may take, where that may
    /// help: the store's server may be busy.
    ///
    /// # Errors
    ///
    /// When the store fails, the namespace is none, or a cache is asked for and the store does not tell of changes.
    pub(crate) async fn open(
        &self,
        near_cache: bool,
        patience: Duration,
    ) -> Result<Arc<dyn DynStore>, Box<dyn Error + Send + Sync>> {
        let began = Instant::now();
        let store = loop {
            match self.open_alone(near_cache, patience).await {
                Err(error) if is_transient(&*error) && began.elapsed() < patience => sleep(PAUSE).await,
                opened => break opened?,
            }
        };
        Ok(if near_cache { Arc::new(NearCache::new(store)?) } else { store })
    }

    async fn open_alone(
        &self,
        tell_changes: bool,
        patience: Duration,
    ) -> Result<Arc<dyn DynStore>, Box<dyn Error + Send + Sync>> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryStore::new()),
            Self::File(directory) => Arc::new(FileStore::open(directory).await?),
            Self::Sqlite(path) => {
                let mut options = SqliteStore::connect_options(path);
                if !patience.is_zero() {
                    options = options.busy_timeout(patience);
                }
                Arc::new(SqliteStore::open_with(options).await?)
            }
            Self::Redis(server) => {
                let mut store = RedisStore::connect(&server.url).await?;
                if tell_changes {
                    store = store.tell_changes();
                }
                Arc::new(match &server.namespace {
                    Some(namespace) => store.namespace(namespace)?,
                    None => store,
                })
            }
            Self::Nats(nats) => {
                let builder = NatsStore::builder().replicas(nats.replicas).storage(nats.storage);
                let store = builder.mirrored(nats.is_mirrored).connect(&nats.server.url).await?;
                Arc::new(match &nats.server.namespace {
                    Some(namespace) => store.namespace(namespace)?,
                    None => store,
                })
            }
            Self::Postgres(server) => {
                let mut store = PostgresStore::connect_lazy(&server.url)?;
                if let Some(namespace) = &server.namespace {
                    store = store.namespace(namespace)?;
                }
                store.migrate().await?;
                Arc::new(if tell_changes { store.tell_changes() } else { store })
            }
            Self::MySql(server) => {
                let mut store = MySqlStore::connect(&server.url).await?;
                if let Some(namespace) = &server.namespace {
                    store = store.namespace(namespace)?;
                    store.migrate().await?;
                }
                Arc::new(store)
            }
        })
    }
}

fn is_transient(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<cloakroom::core::Error>().is_some_and(cloakroom::core::Error::is_transient)
}
