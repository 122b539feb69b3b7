use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use cloakroom::core::{DynStore, Error};
use cloakroom::{MemoryStore, SqliteStore};

/// Where the sessions are kept.
#[derive(Debug)]
pub(crate) enum StoreUrl {
    Memory,
    Sqlite(PathBuf),
}

impl FromStr for StoreUrl {
    type Err = &'static str;

    fn from_str(url: &str) -> Result<Self, &'static str> {
        match url.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            _ => Err("no store of this kind is implemented yet: use `memory:` or `sqlite:PATH`"),
        }
    }
}

impl StoreUrl {
    /// Opens the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub(crate) async fn open(&self) -> Result<Arc<dyn DynStore>, Error> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryStore::new()),
            Self::Sqlite(path) => Arc::new(SqliteStore::open(path).await?),
        })
    }
}
