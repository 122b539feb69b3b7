use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;

use crate::process::Process;
use crate::program::Program;
use crate::wait::until;
use crate::{Error, Port};

const BALANCER: Program = Program { name: "haproxy", package: "haproxy" };

/// Gives a program its environment.
const ENV: Program = Program { name: "env", package: "coreutils" };

/// An `HAProxy` on a port of 127.0.0.1.
#[derive(Debug)]
pub struct HaProxy {
    _process: Process,
    port: Port,
}

impl HaProxy {
    /// Starts one with this configuration, and waits until it listens.
    ///
    /// The configuration finds the address to listen on in the environment, as `LISTEN`, and what is given here.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start(configuration: &Path, environment: &[(&str, &str)]) -> Result<Self, Error> {
        let folder = Process::folder("haproxy", None)?;
        let port = Port::claim()?;
        let mut line: Vec<OsString> = vec![format!("LISTEN=127.0.0.1:{}", port.number()).into()];
        line.extend(environment.iter().map(|(name, value)| format!("{name}={value}").into()));
        line.extend([BALANCER.find()?.into(), "-f".into(), configuration.into()]);
        let line: Vec<&OsStr> = line.iter().map(OsString::as_os_str).collect();
        let process = Process::start(ENV, None, folder, &line)?;
        until("HAProxy listens", &process, || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port.number())).is_ok()
        })?;
        Ok(Self { _process: process, port })
    }

    /// Returns the address and port that it listens on.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port.number())
    }
}
