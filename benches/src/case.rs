use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use benches::protocol::Workload;

/// One thing that is measured.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) store: Kind,
    pub(crate) subject: String,
    pub(crate) workload: Workload,
    pub(crate) size: Size,
}

/// The kinds of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Memory,
    Redis,
    Postgres,
    Sqlite,
}

/// What the client's session holds beside the counter. With none, the client sends no cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Size {
    pub(crate) attributes: u64,
    pub(crate) bytes: u64,
}

impl Size {
    pub(crate) const NONE: Self = Self { attributes: 0, bytes: 0 };
    pub(crate) const KB_3: Self = Self { attributes: 10, bytes: 300 };
    pub(crate) const KB_30: Self = Self { attributes: 30, bytes: 1_000 };
    pub(crate) const KB_200: Self = Self { attributes: 50, bytes: 4_096 };
    pub(crate) const USUAL: [Self; 3] = [Self::KB_3, Self::KB_30, Self::KB_200];
    /// What the growth goals compare with [`KB_3`](Self::KB_3): from 10 to 1,000 attributes, and up to 1 MB.
    pub(crate) const GROWN: [Self; 5] = [
        Self { attributes: 100, bytes: 300 },
        Self { attributes: 1_000, bytes: 300 },
        Self { attributes: 10, bytes: 30_000 },
        Self { attributes: 10, bytes: 100_000 },
        Self { attributes: 1_000, bytes: 1_000 },
    ];

    pub(crate) fn name(self) -> String {
        match self {
            Self::NONE => "none".to_owned(),
            Self::KB_3 => "3k".to_owned(),
            Self::KB_30 => "30k".to_owned(),
            Self::KB_200 => "200k".to_owned(),
            Self { attributes, bytes } => format!("{attributes}x{bytes}"),
        }
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.name()
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let usual = Self::USUAL.into_iter().chain([Self::NONE]).find(|size| size.name() == name);
        let other = || {
            let (attributes, bytes) = name.split_once('x')?;
            Some(Self { attributes: attributes.parse().ok()?, bytes: bytes.parse().ok()? })
        };
        usual.or_else(other).ok_or_else(|| format!("no size is called {name:?}"))
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Memory, Self::Redis, Self::Postgres, Self::Sqlite];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }

    /// Returns whether it is reached through a network.
    pub(crate) fn is_networked(self) -> bool {
        matches!(self, Self::Redis | Self::Postgres)
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| format!("no store is called {name:?}"))
    }
}

impl Case {
    pub(crate) fn new(store: Kind, subject: &str, workload: Workload, size: Size) -> Self {
        Self { store, subject: subject.to_owned(), workload, size }
    }

    /// Returns whether the subject keeps sessions.
    pub(crate) fn has_sessions(&self) -> bool {
        !matches!(self.subject.as_str(), "bare" | "nothing")
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, subject, workload, size } = self;
        write!(f, "{}/{subject}/{workload}/{}", store.name(), size.name())
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let [store, subject, workload, size] = text.split('/').collect::<Vec<_>>()[..] else {
            return Err(format!("not a case: {text:?}; expected such as redis/cloakroom/read-one/3k"));
        };
        Ok(Self::new(store.parse()?, subject, workload.parse()?, size.parse()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_known_by_its_text() {
        for text in
            ["redis/cloakroom/read-one/3k", "memory/bare/unused/none", "sqlite/floor/touch-all/1000x300"]
        {
            assert_eq!(text.parse::<Case>().unwrap().to_string(), text);
        }
        for text in ["redis/cloakroom/read-one", "redis/cloakroom/read-one/3", "redis/cloakroom/read/3k"] {
            assert!(text.parse::<Case>().is_err(), "{text}");
        }
    }
}
