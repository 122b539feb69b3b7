use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Result;
use crate::case::Case;

/// A server under measurement: a process of its own.
#[derive(Debug)]
pub(crate) struct Subject {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Subject {
    /// Starts a case's server.
    pub(crate) fn start(case: &Case) -> Result<Self> {
        Self::run(Command::new(std::env::current_exe()?), case)
    }

    /// Starts a case's server under callgrind, which writes to `out` when the server ends.
    pub(crate) fn start_counted(case: &Case, out: &Path) -> Result<Self> {
        let mut command = Command::new("valgrind");
        let mut file = OsString::from("--callgrind-out-file=");
        file.push(out);
        command.args(["--quiet", "--tool=callgrind"]).arg(file);
        command.arg(std::env::current_exe()?);
        Self::run(command, case)
    }

    fn run(mut command: Command, case: &Case) -> Result<Self> {
        command.args(["serve", case.name]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse();
        let address = address.map_err(|_| format!("the server of {} did not start", case.name))?;
        Ok(Self { process, address })
    }

    /// Waits until the server sleeps, having done all that the last request asks of it.
    ///
    /// A request that arrives earlier would save it the way to sleep and back, by chance.
    pub(crate) fn wait_until_asleep(&self) -> Result<()> {
        while self.stat()?.first().is_none_or(|state| state != "S") {
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Returns the processor time that the server has taken, user and system, in clock ticks of 10 ms.
    pub(crate) fn cpu_ticks(&self) -> Result<u64> {
        let stat = self.stat()?;
        let ticks = |index: usize| -> Result<u64> { Ok(stat.get(index).ok_or("no such field")?.parse()?) };
        Ok(ticks(11)? + ticks(12)?)
    }

    /// Returns the fields of the process's status after its name, in the order of proc(5).
    fn stat(&self) -> Result<Vec<String>> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let fields = text.rsplit_once(") ").ok_or("an unknown form of /proc/pid/stat")?.1;
        Ok(fields.split(' ').map(str::to_owned).collect())
    }

    /// Ends the server, and waits for it.
    pub(crate) fn end(mut self) -> Result<()> {
        drop(self.process.stdin.take());
        let status = self.process.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // Ended already, unless the measurement failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the folder for results, made if need be: `benches` in cargo's target folder.
pub(crate) fn results() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("the program is not in a target folder")?;
    let folder = target.join("benches");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
