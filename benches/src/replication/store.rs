use servers::Redis;

use super::way::Way;
use crate::backend::Backend;
use crate::case::Kind;
use benches::Result;

/// The server that the nodes share: started by this program.
#[derive(Debug)]
pub(super) enum Store {
    Redis(Redis),
}

impl Store {
    pub(super) fn start(way: Way) -> Result<Self> {
        match way {
            Way::Shared | Way::NearCache | Way::TimedWrites => Ok(Self::Redis(Redis::start()?)),
            Way::Mirrored => Err("not yet".into()),
        }
    }

    /// Empties it, and returns its URL.
    pub(super) fn fresh(&mut self) -> Result<String> {
        match self {
            Self::Redis(redis) => {
                redis.ask(&["FLUSHALL", "SYNC"])?;
                Ok(redis.url())
            }
        }
    }

    pub(super) fn pid(&self) -> u32 {
        match self {
            Self::Redis(redis) => redis.pid(),
        }
    }
}

/// Returns what the servers are, with their versions.
pub(super) fn versions() -> Result<Vec<String>> {
    Ok(vec![Backend::start(Kind::Redis)?.version()?])
}
