use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom::core::{DynStore, Error};
use cloakroom::{FileStore, MemoryStore, NearCache, SqliteStore, WriteBehind};
use cloakroom_nats::NatsStore;
use cloakroom_redis::RedisStore;
use cloakroom_sqlx::{MySqlStore, PostgresStore};

use super::{Backend, Site};

const PATIENCE: Duration = Duration::from_secs(60);

/// Opens the store of a site, and makes its tables where it is the first to do so. Tries again where its server is too busy.
pub(crate) async fn open(site: &Site, first: bool) -> Arc<dyn DynStore> {
    let began = Instant::now();
    loop {
        match try_open(site, first).await {
            Err(error) if error.is_transient() && began.elapsed() < PATIENCE => {}
            opened => return opened.unwrap(),
        }
    }
}

async fn try_open(site: &Site, first: bool) -> Result<Arc<dyn DynStore>, Error> {
    let (url, namespace) = site.store().split_once("?namespace=").unwrap_or((site.store(), ""));
    Ok(match site.backend() {
        Backend::Memory => Arc::new(MemoryStore::new()),
        Backend::File => {
            let directory = url.strip_prefix("file:").unwrap();
            Arc::new(FileStore::open(directory).await?)
        }
        Backend::Sqlite => {
            let file = url.strip_prefix("sqlite:").unwrap();
            Arc::new(SqliteStore::open(file).await?)
        }
        Backend::Redis | Backend::RedisSentinel | Backend::RedisCluster => {
            Arc::new(RedisStore::connect(url).await?.namespace(namespace).unwrap())
        }
        Backend::Nats => Arc::new(NatsStore::connect(url).await?.namespace(namespace).unwrap()),
        Backend::NatsMirrored => {
            let store = NatsStore::builder().mirrored(true).connect(url).await?;
            Arc::new(store.namespace(namespace.trim_end_matches("&mirrored=true")).unwrap())
        }
        Backend::RedisHeldBack => {
            let store = RedisStore::connect(url).await?.namespace(namespace).unwrap();
            Arc::new(WriteBehind::new(store))
        }
        Backend::RedisNearCache => {
            let store = RedisStore::connect(url).await?.namespace(namespace).unwrap();
            Arc::new(NearCache::new(store.tell_changes()).unwrap())
        }
        Backend::Postgres => {
            let store = PostgresStore::connect_lazy(url).unwrap().namespace(namespace).unwrap();
            if first {
                store.migrate().await?;
            }
            Arc::new(store)
        }
        Backend::MariaDb => {
            let store = MySqlStore::connect(url).await?.namespace(namespace).unwrap();
            if first {
                store.migrate().await?;
            }
            Arc::new(store)
        }
    })
}
