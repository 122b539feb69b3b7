//! A server's process: started, killed, stopped and continued.

mod tree;

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::Error;
use crate::error::Cause;
use crate::program::{Program, User, line};

/// Stands between us and the server, so that the server ends with us.
///
/// The kernel could do that too (`PR_SET_PDEATHSIG`), but for the thread that started the server, and that may end early.
const WATCHER: &str = include_str!("watcher.sh");

/// A server that can be started in its folder again and again, and runs no longer than this lives.
#[derive(Debug)]
pub(crate) struct Process {
    line: Vec<OsString>,
    running: Option<Running>,
    folder: TempDir,
}

#[derive(Debug)]
struct Running {
    watcher: Child,
    server: Pid,
}

impl Process {
    /// Makes the folder of a server that belongs to this user.
    pub(crate) fn folder(name: &str, user: Option<User>) -> Result<TempDir, Error> {
        let prefix = format!("cloakroom-{name}-");
        let folder =
            tempfile::Builder::new().prefix(&prefix).tempdir().map_err(Error::io("make a folder"))?;
        if let Some(user) = user {
            user.own(folder.path())?;
        }
        Ok(folder)
    }

    /// Starts a server; it may not be ready yet.
    pub(crate) fn start(
        program: Program,
        user: Option<User>,
        folder: TempDir,
        arguments: &[&OsStr],
    ) -> Result<Self, Error> {
        let line = line(&program.find()?, user, arguments);
        let mut process = Self { line, running: None, folder };
        process.restart()?;
        Ok(process)
    }

    /// Starts the server again, where it does not run.
    pub(crate) fn restart(&mut self) -> Result<(), Error> {
        if self.running.is_none() {
            self.running = Some(Running::start(self.folder.path(), &self.line)?);
        }
        Ok(())
    }

    /// Ends the server with SIGKILL, and all processes that it has started.
    pub(crate) fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.kill();
        }
    }

    /// Stops the server with SIGSTOP: it keeps its connections and answers nothing.
    pub(crate) fn pause(&self) {
        if let Some(running) = &self.running {
            tree::stop(running.server);
        }
    }

    /// Lets a stopped server go on.
    pub(crate) fn resume(&self) {
        if let Some(running) = &self.running {
            tree::signal(running.server, Signal::CONT);
        }
    }

    /// Returns the server's process id; 0 while it does not run.
    pub(crate) fn pid(&self) -> u32 {
        self.running.as_ref().map_or(0, |running| running.server.as_raw_nonzero().get().unsigned_abs())
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.running.as_ref().is_some_and(|running| tree::is_alive(running.server))
    }

    /// Returns what the server has logged.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn name(&self) -> String {
        let name = self.line.iter().find(|word| Path::new(word).is_absolute());
        name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Running {
    fn start(folder: &Path, line: &[OsString]) -> Result<Self, Error> {
        const START: &str = "start a server";
        // A group of its own: what a terminal sends to ours must not end it before the server.
        let mut watcher = Command::new("sh")
            .args(["-c", WATCHER, "watcher"])
            .arg(folder)
            .args(line)
            .process_group(0)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::io(START))?;
        let mut pid = String::new();
        if let Some(told) = watcher.stdout.take() {
            BufReader::new(told).read_line(&mut pid).map_err(Error::io(START))?;
        }
        let server = pid.trim().parse().ok().and_then(Pid::from_raw);
        let unexpected = || Cause::Unexpected { asked: START.to_owned(), answer: pid };
        Ok(Self { watcher, server: server.ok_or_else(unexpected)? })
    }

    fn kill(mut self) {
        tree::kill(self.server);
        if let Some(mut end) = self.watcher.stdin.take() {
            // A watcher that was killed has nothing left to watch.
            let _ = end.write_all(b"stays\n");
        }
        let _ = self.watcher.wait();
    }
}
