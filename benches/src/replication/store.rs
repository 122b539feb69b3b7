use servers::{Nats, Redis};

use super::way::Way;
use crate::backend::Backend;
use crate::case::Kind;
use crate::machine::said;
use benches::Result;

/// The server that the nodes share: a new one, started by this program.
#[derive(Debug)]
pub(super) enum Store {
    Redis(Redis),
    Nats(Nats),
}

impl Store {
    pub(super) fn start(way: Way) -> Result<Self> {
        Ok(match way {
            Way::Shared | Way::NearCache | Way::TimedWrites => Self::Redis(Redis::start()?),
            Way::Mirrored => Self::Nats(Nats::start()?),
        })
    }

    pub(super) fn url(&self) -> String {
        match self {
            Self::Redis(redis) => redis.url(),
            Self::Nats(nats) => format!("{}/?mirrored=true", nats.url()),
        }
    }

    pub(super) fn pid(&self) -> u32 {
        match self {
            Self::Redis(redis) => redis.pid(),
            Self::Nats(nats) => nats.pid(),
        }
    }
}

/// Returns what the servers are, with their versions.
pub(super) fn versions() -> Result<Vec<String>> {
    Ok(vec![Backend::start(Kind::Redis)?.version()?, said("nats-server", &["--version"])?])
}
