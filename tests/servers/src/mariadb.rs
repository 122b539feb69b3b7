use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;

use crate::process::Process;
use crate::program::{Program, User};
use crate::wait::until;
use crate::{Error, Port};

const PACKAGE: &str = "mariadb-server";
const SERVER: Program = Program { name: "mariadbd", package: PACKAGE };
const INSTALL: Program = Program { name: "mariadb-install-db", package: PACKAGE };
const CLIENT: Program = Program { name: "mariadb", package: PACKAGE };

/// The database, its user, and the user's password.
const NAME: &str = "cloakroom";

/// A MariaDB server, durable: `innodb_flush_log_at_trx_commit` is 1.
///
/// It has a database `cloakroom`, and a user of that name and password who may create databases.
#[derive(Debug)]
pub struct MariaDb {
    process: Process,
    port: Port,
}

/// What a [`MariaDb`] is started with.
#[derive(Clone, Debug, Default)]
pub struct MariaDbOptions {
    settings: Vec<String>,
}

impl MariaDbOptions {
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
    pub fn start(&self) -> Result<MariaDb, Error> {
        let folder = Process::folder("mariadb", user())?;
        let port = Port::claim()?;
        let data = option("datadir", &folder.path().join("data"));
        let temporary = option("tmpdir", folder.path());
        let quiet = ["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"];
        let mut arguments: Vec<&OsStr> = quiet.iter().map(OsStr::new).collect();
        arguments.extend([data.as_os_str(), &temporary]);
        INSTALL.run(user(), &arguments)?;

        let setup = folder.path().join("setup.sql");
        fs::write(&setup, setup_sql()).map_err(Error::io("write a file"))?;
        let line = [
            "--no-defaults".into(),
            data,
            temporary,
            option("socket", &folder.path().join("socket")),
            option("pid-file", &folder.path().join("pid")),
            option("init-file", &setup),
            format!("--port={}", port.number()).into(),
        ];
        let fixed = ["--bind-address=127.0.0.1", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=1"];
        let mut arguments: Vec<&OsStr> = line.iter().map(OsString::as_os_str).collect();
        arguments.extend(fixed.into_iter().chain(self.settings.iter().map(String::as_str)).map(OsStr::new));
        let mariadb = MariaDb { process: Process::start(SERVER, user(), folder, &arguments)?, port };
        mariadb.ready()?;
        Ok(mariadb)
    }
}

impl MariaDb {
    /// Starts a server.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start() -> Result<Self, Error> {
        Self::options().start()
    }

    /// Returns the options to start one with.
    #[must_use]
    pub fn options() -> MariaDbOptions {
        MariaDbOptions::default()
    }

    /// Returns the URL of its database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mysql://{NAME}:{NAME}@127.0.0.1:{}/{NAME}", self.port())
    }

    /// Returns its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Runs SQL in the database, and returns the rows, one a line, their fields parted by tabs.
    ///
    /// # Errors
    ///
    /// When it is away, or refuses.
    pub fn sql(&self, sql: &str) -> Result<String, Error> {
        let socket = option("socket", &self.process.path().join("socket"));
        let mut arguments: Vec<&OsStr> = vec![OsStr::new("--no-defaults"), &socket];
        arguments.extend(["-ucloakroom", "-pcloakroom", "-N", "-B", NAME, "-e", sql].map(OsStr::new));
        CLIENT.run(None, &arguments)
    }

    /// Ends it with SIGKILL. Its port stays its own.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again after a [`kill`](Self::kill), on the same port and folder, and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process.restart()?;
        self.ready()
    }

    /// Stops it with SIGSTOP: it keeps its connections and answers nothing.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on after a [`pause`](Self::pause).
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Returns what it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Returns the folder of its files, for tests that look what is in them.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.process.path().join("data")
    }

    fn ready(&self) -> Result<(), Error> {
        until("MariaDB answers", &self.process, || self.sql("SELECT 1").is_ok())
    }
}

/// Returns the user to run everything of MariaDB as.
fn user() -> Option<User> {
    User::unless_ourselves("mysql", PACKAGE)
}

fn option(name: &str, path: &std::path::Path) -> OsString {
    let mut option = OsString::from(format!("--{name}="));
    option.push(path);
    option
}

fn setup_sql() -> String {
    let grants = ["127.0.0.1", "localhost"].map(|host| {
        format!(
            "CREATE USER IF NOT EXISTS '{NAME}'@'{host}' IDENTIFIED BY '{NAME}';\n\
             GRANT ALL ON *.* TO '{NAME}'@'{host}';\n"
        )
    });
    format!("CREATE DATABASE IF NOT EXISTS {NAME};\n{}", grants.concat())
}
