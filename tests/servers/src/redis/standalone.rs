use std::ffi::OsStr;

use super::{Connection, Reply, SERVER};
use crate::process::Process;
use crate::wait::until;
use crate::{Error, Port};

/// A Redis server.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    port: Port,
}

/// What a [`Redis`] is started with.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    arguments: Vec<String>,
}

impl RedisOptions {
    /// Adds a line of `redis.conf`, such as `maxmemory 2mb`.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.arguments.push(format!("--{name}"));
        self.arguments.push(value.into());
        self
    }

    /// Makes every write durable before it is acknowledged: an append-only file that is synced each time.
    #[must_use]
    pub fn durable(self) -> Self {
        self.set("appendonly", "yes").set("appendfsync", "always")
    }

    /// Starts the server, and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn start(&self) -> Result<Redis, Error> {
        self.start_on(Port::claim()?)
    }

    pub(super) fn start_on(&self, port: Port) -> Result<Redis, Error> {
        let folder = Process::folder("redis", None)?;
        let number = port.number().to_string();
        let fixed = ["--bind", "127.0.0.1", "--port", &number, "--save", "", "--enable-debug-command", "yes"];
        let own = self.arguments.iter().map(String::as_str);
        let arguments: Vec<&OsStr> = fixed.into_iter().chain(own).map(OsStr::new).collect();
        let redis = Redis { process: Process::start(SERVER, None, folder, &arguments)?, port };
        redis.ready()?;
        Ok(redis)
    }
}

impl Redis {
    /// Starts a server that keeps its data in memory only.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start() -> Result<Self, Error> {
        Self::options().start()
    }

    /// Returns the options to start one with.
    #[must_use]
    pub fn options() -> RedisOptions {
        RedisOptions::default()
    }

    /// Returns its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    /// Returns its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Sends it a command, on a connection of its own.
    ///
    /// # Errors
    ///
    /// When it is away, or answers with an error.
    pub fn ask<A: AsRef<[u8]>>(&self, command: &[A]) -> Result<Reply, Error> {
        Connection::open(self.port())?.ask(command)
    }

    /// Returns its process id; 0 while it does not run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
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

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// An error while it reads its files is an answer too, but not the one to wait for.
    fn ready(&self) -> Result<(), Error> {
        until("Redis answers", &self.process, || self.ask(&["PING"]).is_ok())
    }
}
