//! The stores that the subjects keep their sessions in: real servers, started by this program.

use std::path::PathBuf;

use servers::{Postgres, Redis};
use tempfile::TempDir;

use crate::case::Kind;
use benches::Result;

/// A store that is up.
#[derive(Debug)]
pub(crate) enum Backend {
    Memory,
    Redis(Redis),
    Postgres {
        server: Postgres,
        /// How many databases were made.
        made: u32,
    },
    Sqlite {
        folder: TempDir,
        made: u32,
    },
}

impl Backend {
    /// Starts a store.
    pub(crate) fn start(kind: Kind) -> Result<Self> {
        Ok(match kind {
            Kind::Memory => Self::Memory,
            Kind::Redis => Self::Redis(Redis::start()?),
            Kind::Postgres => Self::Postgres { server: Postgres::start()?, made: 0 },
            Kind::Sqlite => Self::Sqlite { folder: tempfile::tempdir_in(on_disk())?, made: 0 },
        })
    }

    /// Empties the store, and returns its URL.
    pub(crate) fn fresh(&mut self) -> Result<String> {
        match self {
            Self::Memory => Ok("memory:".to_owned()),
            Self::Redis(redis) => {
                redis.ask(&["FLUSHALL", "SYNC"])?;
                Ok(redis.url())
            }
            Self::Postgres { server, made } => {
                server.sql(&format!("DROP DATABASE IF EXISTS benches_{made} WITH (FORCE)"))?;
                *made += 1;
                server.sql(&format!("CREATE DATABASE benches_{made} OWNER cloakroom"))?;
                let url = server.url();
                let (before, _) = url.rsplit_once('/').ok_or("a URL without a database")?;
                Ok(format!("{before}/benches_{made}"))
            }
            Self::Sqlite { folder, made } => {
                for file in std::fs::read_dir(folder.path())? {
                    std::fs::remove_file(file?.path())?;
                }
                *made += 1;
                Ok(format!("sqlite:{}/{made}.db", folder.path().display()))
            }
        }
    }

    /// Returns the process of a store that has one of its own.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self {
            Self::Memory | Self::Sqlite { .. } => None,
            Self::Redis(redis) => Some(redis.pid()),
            Self::Postgres { server, .. } => Some(server.pid()),
        }
    }

    /// Returns whether the server knows a command. Only Redis is asked.
    pub(crate) fn knows(&self, command: &str) -> Result<bool> {
        let Self::Redis(redis) = self else {
            return Ok(true);
        };
        let known = redis.ask(&["COMMAND", "INFO", command])?.list();
        Ok(known.into_iter().any(|details| !details.list().is_empty()))
    }

    /// Returns what the store is, with its version.
    pub(crate) fn version(&self) -> Result<String> {
        Ok(match self {
            Self::Memory => "within the process".to_owned(),
            Self::Redis(redis) => {
                let info = redis.ask(&["INFO", "server"])?.text();
                let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
                format!("Redis {}", version.unwrap_or_default())
            }
            Self::Postgres { server, .. } => {
                format!("PostgreSQL {}", server.sql("SHOW server_version")?.trim())
            }
            Self::Sqlite { .. } => "SQLite within the process, `synchronous = FULL`".to_owned(),
        })
    }
}

/// Returns a folder for databases that is on a disk, which the folder for temporary files may not be.
fn on_disk() -> PathBuf {
    crate::program::results().unwrap_or_else(|_| std::env::temp_dir())
}
