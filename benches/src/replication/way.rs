use serde::{Deserialize, Serialize};

use benches::Result;

/// How the nodes' sessions are replicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Way {
    /// In one store, which every request asks.
    Shared,
    /// The same, with a cache in each node that the store tells of changes.
    NearCache,
    /// In one store, to which each node writes every second.
    TimedWrites,
    /// In the memory of every node.
    Mirrored,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Shared, Self::NearCache, Self::TimedWrites, Self::Mirrored];

    /// Returns what it is called in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Shared => "shared store",
            Self::NearCache => "shared store with near cache",
            Self::TimedWrites => "timed writes, every second",
            Self::Mirrored => "mirrored to all",
        }
    }

    /// Returns the ways of these names.
    pub(crate) fn named(names: &[&str]) -> Result<Vec<Self>> {
        let way = |name: &&str| Ok(serde_json::from_value(serde_json::Value::from(*name))?);
        names.iter().map(way).collect()
    }

    /// Returns what the nodes' command line says of it.
    pub(crate) fn options(self) -> &'static [&'static str] {
        match self {
            Self::Shared | Self::Mirrored => &[],
            Self::NearCache => &["--near-cache"],
            Self::TimedWrites => &["--write-every", "1s"],
        }
    }
}
