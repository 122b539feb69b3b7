use std::path::Path;

/// A store to run the cases against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Memory,
    Sqlite,
}

impl Backend {
    /// Returns the `--store` of a site whose files are in `folder`.
    pub(crate) fn url(self, folder: &Path) -> String {
        match self {
            Self::Memory => "memory:".to_owned(),
            Self::Sqlite => format!("sqlite:{}", folder.join("sessions.db").display()),
        }
    }

    /// Returns how many servers a site has. A store in memory cannot be shared.
    pub(crate) fn nodes(self) -> usize {
        match self {
            Self::Memory => 1,
            Self::Sqlite => 2,
        }
    }
}
