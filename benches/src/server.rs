use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::case::Case;
use crate::processes;
use benches::Result;

/// A subject's server: a process of its own.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a case's server.
    pub(crate) fn start(program: &Path, case: &Case, url: &str) -> Result<Self> {
        Self::run(Command::new(program), case, url)
    }

    /// Starts a case's server under callgrind, which writes to `out` when the server ends.
    pub(crate) fn start_counted(program: &Path, case: &Case, url: &str, out: &Path) -> Result<Self> {
        let mut command = Command::new("valgrind");
        let mut file = OsString::from("--callgrind-out-file=");
        file.push(out);
        command.args(["--quiet", "--tool=callgrind"]).arg(file).arg(program);
        Self::run(command, case, url)
    }

    fn run(mut command: Command, case: &Case, url: &str) -> Result<Self> {
        command.args(["serve", &case.subject, case.workload.name(), url]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse();
        let address = address.map_err(|_| format!("the server of {case} did not start"))?;
        Ok(Self { process, address })
    }

    /// Waits until the server sleeps, all its threads, having done all that the last request asks of it.
    ///
    /// A request that arrives earlier would save it the way to sleep and back, by chance.
    pub(crate) fn wait_until_asleep(&self) -> Result<()> {
        while !processes::is_asleep(self.pid())? {
            std::thread::yield_now();
        }
        Ok(())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Ends the server, and waits for it.
    pub(crate) fn end(mut self) -> Result<()> {
        drop(self.process.stdin.take());
        let status = self.process.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already, unless the measurement failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
