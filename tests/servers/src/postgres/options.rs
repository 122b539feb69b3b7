use std::ffi::OsStr;

use tempfile::TempDir;

use super::{INITDB, Postgres, SERVER, user};
use crate::process::Process;
use crate::{Error, Port};

/// What a [`Postgres`] is started with.
#[derive(Clone, Debug, Default)]
pub struct PostgresOptions {
    settings: Vec<String>,
}

impl PostgresOptions {
    /// Adds a setting, such as `max_connections`.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.push(format!("--{name}={}", value.into()));
        self
    }

    /// Starts the server, and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn start(&self) -> Result<Postgres, Error> {
        let folder = Process::folder("postgres", user())?;
        let data = folder.path().join("data");
        // What is made here may be made again, so it need not be durable yet.
        let fixed = ["--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C", "-U", "postgres"];
        // SCRAM hashes thousands of times, which takes a client that is not optimised about 0.2 s.
        let auth = ["--auth-local=trust", "--auth-host=password", "-D"];
        let mut arguments: Vec<&OsStr> = fixed.into_iter().chain(auth).map(OsStr::new).collect();
        arguments.push(data.as_os_str());
        INITDB.run(user(), &arguments)?;
        let postgres = self.start_in(folder)?;
        postgres.make_database()?;
        Ok(postgres)
    }

    /// Starts the server on what is in the folder already.
    pub(super) fn start_in(&self, folder: TempDir) -> Result<Postgres, Error> {
        let port = Port::claim()?;
        let data = folder.path().join("data");
        let fixed = [
            "--listen_addresses=127.0.0.1".to_owned(),
            format!("--port={}", port.number()),
            format!("--unix_socket_directories={}", folder.path().display()),
            "--shared_buffers=64MB".to_owned(),
            "-D".to_owned(),
        ];
        let mut arguments: Vec<&OsStr> = fixed.iter().map(OsStr::new).collect();
        arguments.push(data.as_os_str());
        arguments.extend(self.settings.iter().map(OsStr::new));
        let process = Process::start(SERVER, user(), folder, &arguments)?;
        let postgres = Postgres { process, port };
        postgres.ready()?;
        Ok(postgres)
    }
}
