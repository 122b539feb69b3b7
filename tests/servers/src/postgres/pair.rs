use std::ffi::OsStr;

use super::{BASEBACKUP, NAME, Postgres, PostgresOptions, user};
use crate::Error;
use crate::process::Process;
use crate::wait::until;

/// A primary, and a standby that streams from it.
#[derive(Debug)]
pub struct PostgresPair {
    primary: Postgres,
    standby: Postgres,
}

impl PostgresPair {
    /// Starts both, and waits until the standby streams. A commit waits for its own server only.
    ///
    /// # Errors
    ///
    /// When that does not happen.
    pub fn start(options: &PostgresOptions) -> Result<Self, Error> {
        let primary = options.start()?;
        let folder = Process::folder("standby", user())?;
        let (data, port) = (folder.path().join("data"), primary.port().to_string());
        let fixed =
            ["-R", "-X", "stream", "--checkpoint=fast", "--no-sync", "-U", "postgres", "-p", &port, "-h"];
        let mut arguments: Vec<&OsStr> = fixed.iter().map(OsStr::new).collect();
        arguments.extend([primary.process.path().as_os_str(), OsStr::new("-D"), data.as_os_str()]);
        BASEBACKUP.run(user(), &arguments)?;
        let standby = options.start_in(folder)?;
        let pair = Self { primary, standby };
        pair.until_replicating("streaming|async")?;
        Ok(pair)
    }

    /// Makes every commit wait until the standby has it on disk too.
    ///
    /// # Errors
    ///
    /// When the primary refuses.
    pub fn wait_for_standby(&self) -> Result<(), Error> {
        self.primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.primary.sql("SELECT pg_reload_conf()")?;
        self.until_replicating("streaming|sync")
    }

    /// Returns the primary.
    pub fn primary(&mut self) -> &mut Postgres {
        &mut self.primary
    }

    /// Returns the standby.
    pub fn standby(&mut self) -> &mut Postgres {
        &mut self.standby
    }

    /// Returns a URL that names both, as PostgreSQL's own client library takes it.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts = format!("127.0.0.1:{},127.0.0.1:{}", self.primary.port(), self.standby.port());
        format!("postgres://{NAME}:{NAME}@{hosts}/{NAME}?target_session_attrs=read-write")
    }

    /// Makes the standby a primary, and waits until it takes writes.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn promote(&self) -> Result<(), Error> {
        let promoted = self.standby.sql("SELECT pg_promote(true, 60)")?;
        debug_assert_eq!(promoted.trim(), "t");
        until("the standby takes writes", &self.standby.process, || {
            self.standby.sql("SELECT pg_is_in_recovery()").is_ok_and(|answer| answer.trim() == "f")
        })
    }

    fn until_replicating(&self, how: &str) -> Result<(), Error> {
        until("the standby streams", &self.primary.process, || {
            let state = self.primary.sql("SELECT state, sync_state FROM pg_stat_replication");
            state.is_ok_and(|state| state.trim() == how)
        })
    }
}
