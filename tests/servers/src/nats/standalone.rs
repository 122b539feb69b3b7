use std::ffi::{OsStr, OsString};

use super::SERVER;
use super::request::{is_up, request};
use crate::process::Process;
use crate::wait::until;
use crate::{Error, Port};

/// A NATS server with JetStream.
#[derive(Debug)]
pub struct Nats {
    process: Process,
    port: Port,
}

/// What a [`Nats`] is started with.
#[derive(Clone, Debug, Default)]
pub struct NatsOptions {
    config: String,
}

impl NatsOptions {
    /// Adds lines of a configuration file, such as `max_payload: 64KB`.
    #[must_use]
    pub fn config(mut self, lines: &str) -> Self {
        self.config.push_str(lines);
        self.config.push('\n');
        self
    }

    /// Starts the server, and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub fn start(&self) -> Result<Nats, Error> {
        let nats = self.begin(Port::claim()?, "alone", &[])?;
        nats.ready()?;
        Ok(nats)
    }

    /// Starts the server; it may not answer yet.
    pub(super) fn begin(&self, port: Port, name: &str, arguments: &[&str]) -> Result<Nats, Error> {
        let folder = Process::folder("nats", None)?;
        let config = folder.path().join("nats.conf");
        let number = port.number();
        let jetstream =
            format!("jetstream {{ store_dir: {:?} }}\n{}", folder.path().join("data"), self.config);
        std::fs::write(&config, jetstream).map_err(Error::io("write a file"))?;
        let fixed = ["-a", "127.0.0.1", "-p", &number.to_string(), "-n", name, "-c"].map(OsString::from);
        let own = arguments.iter().map(OsString::from);
        let line: Vec<OsString> = fixed.into_iter().chain([config.into()]).chain(own).collect();
        let line: Vec<&OsStr> = line.iter().map(OsString::as_os_str).collect();
        Ok(Nats { process: Process::start(SERVER, None, folder, &line)?, port })
    }
}

impl Nats {
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
    pub fn options() -> NatsOptions {
        NatsOptions::default()
    }

    /// Returns its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port())
    }

    /// Returns its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Sends it an empty request, on a connection of its own, and returns the answer.
    ///
    /// # Errors
    ///
    /// When it is away.
    pub fn ask(&self, subject: &str) -> Result<String, Error> {
        request(self.port(), subject).map_err(Error::io("ask NATS"))
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

    fn ready(&self) -> Result<(), Error> {
        until("NATS answers", &self.process, || is_up(self.port()))
    }
}
