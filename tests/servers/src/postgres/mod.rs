//! PostgreSQL: alone, and with a streaming standby.

mod options;
mod pair;

use std::path::PathBuf;

pub use self::options::PostgresOptions;
pub use self::pair::PostgresPair;
use crate::process::Process;
use crate::program::{Program, User};
use crate::wait::until;
use crate::{Error, Port};

const PACKAGE: &str = "postgresql";
const SERVER: Program = Program { name: "postgres", package: PACKAGE };
const INITDB: Program = Program { name: "initdb", package: PACKAGE };
const BASEBACKUP: Program = Program { name: "pg_basebackup", package: PACKAGE };
const PSQL: Program = Program { name: "psql", package: PACKAGE };

/// The database, its owner, and the owner's password.
const NAME: &str = "cloakroom";

/// A PostgreSQL server, durable: `fsync` and `synchronous_commit` are on.
///
/// It has a database `cloakroom`, whose owner of that name and password may create databases, and is no superuser.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    port: Port,
}

impl Postgres {
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
    pub fn options() -> PostgresOptions {
        PostgresOptions::default()
    }

    /// Returns the URL of its database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{NAME}:{NAME}@127.0.0.1:{}/{NAME}", self.port())
    }

    /// Returns its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Runs SQL in the database as a superuser, and returns the rows, one a line, their fields parted by `|`.
    ///
    /// # Errors
    ///
    /// When it is away, or refuses.
    pub fn sql(&self, sql: &str) -> Result<String, Error> {
        self.sql_in(NAME, sql)
    }

    /// Returns its process id; 0 while it does not run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Ends it with SIGKILL, and all processes that it has started. Its port stays its own.
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

    /// Stops it with SIGSTOP, and all its processes: they keep their connections and answer nothing.
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

    fn sql_in(&self, database: &str, sql: &str) -> Result<String, Error> {
        let port = self.port().to_string();
        let arguments = ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-p", &port];
        let mut arguments: Vec<&std::ffi::OsStr> = arguments.map(AsRef::as_ref).into();
        arguments.extend(["-h".as_ref(), self.process.path().as_os_str()]);
        arguments.extend(["-d", database, "-c", sql].map(std::ffi::OsStr::new));
        PSQL.run(None, &arguments)
    }

    fn ready(&self) -> Result<(), Error> {
        until("PostgreSQL answers", &self.process, || self.sql_in("postgres", "SELECT 1").is_ok())
    }

    fn make_database(&self) -> Result<(), Error> {
        self.sql_in("postgres", &format!("CREATE ROLE {NAME} LOGIN CREATEDB PASSWORD '{NAME}'"))?;
        self.sql_in("postgres", &format!("CREATE DATABASE {NAME} OWNER {NAME}")).map(drop)
    }
}

/// Returns the user to run everything of PostgreSQL as.
fn user() -> Option<User> {
    User::unless_ourselves("postgres", PACKAGE)
}
