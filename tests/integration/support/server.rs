use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// A store may take long on a busy machine. What a test asks for comes later and counts.
const PATIENT: [&str; 2] = ["--store-timeout", "20s"];

/// A testbed that runs, and is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: String,
    log: Arc<Mutex<Vec<u8>>>,
    logging: JoinHandle<()>,
}

impl Server {
    /// Starts a testbed with these options on a free port, and waits until it listens.
    pub(crate) async fn start(options: &[&str]) -> Self {
        Self::start_logging(options, "info,cloakroom=debug").await
    }

    /// Starts a testbed that logs as this `RUST_LOG` says.
    pub(crate) async fn start_logging(options: &[&str], filter: &str) -> Self {
        Self::start_within(options, &[("RUST_LOG", filter)]).await
    }

    /// Starts a testbed with these environment variables.
    pub(crate) async fn start_within(options: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_testbed"))
            .args(PATIENT)
            .args(options)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = Arc::default();
        let logging = tokio::spawn(collect(child.stderr.take().unwrap(), Arc::clone(&log)));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap();
        let line = line.unwrap_or_else(|| panic!("the testbed ended: {}", text(&log)));
        let address = line.strip_prefix("listening on http://").unwrap().to_owned();
        Self { child, address, log, logging }
    }

    /// Returns the address and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Returns what the testbed has logged so far.
    pub(crate) fn log(&self) -> String {
        text(&self.log)
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends SIGKILL.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Waits until the testbed has ended, and returns its exit status and its whole log.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().await.unwrap();
        (&mut self.logging).await.unwrap();
        let log = self.log();
        (status, log)
    }

    /// Stops the testbed as an operator would.
    pub(crate) async fn stop(self) -> String {
        self.terminate();
        let (status, log) = self.ended().await;
        assert!(status.success(), "{status}: {log}");
        log
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("--- log of {}\n{}---", self.address, self.log());
        }
    }
}

async fn collect(mut from: impl AsyncRead + Unpin, into: Arc<Mutex<Vec<u8>>>) {
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        into.lock().unwrap().extend_from_slice(&chunk[..length]);
    }
}

fn text(log: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&log.lock().unwrap()).into_owned()
}
