use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::way::Way;
use crate::processes::resident_kib;
use crate::program::target;
use crate::proxy::Proxy;
use benches::Result;

/// One server of an application: the testbed, a process of its own, and a proxy between it and its store.
#[derive(Debug)]
pub(super) struct Node {
    process: Child,
    pub(super) address: SocketAddr,
    proxy: Proxy,
    idle_kib: u64,
}

impl Node {
    pub(super) async fn start(program: &Path, way: Way, store: &str) -> Result<Self> {
        let (proxy, url) = Proxy::before(store).await?;
        let mut process = Command::new(program)
            .args(["--store", &url])
            .args(way.options())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the node has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().rsplit('/').next().and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| format!("the node did not start: {line:?}"))?;
        let idle_kib = resident_kib(process.id())?;
        Ok(Self { process, address, proxy, idle_kib })
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Returns how many bytes went between it and the store so far.
    pub(super) fn bytes(&self) -> u64 {
        self.proxy.bytes()
    }

    /// Returns by how many KiB it has grown since its start.
    pub(super) fn growth_kib(&self) -> Result<u64> {
        Ok(resident_kib(self.pid())?.saturating_sub(self.idle_kib))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Nothing of it is needed any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Builds the testbed as it would be released, and returns where it is.
pub(super) fn build() -> Result<PathBuf> {
    eprintln!("building the nodes");
    let target = target()?;
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--locked", "--profile", "bench", "-p", "testbed", "--bin", "testbed"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", &target)
        .status()?;
    if !status.success() {
        return Err(format!("the nodes were not built: {status}").into());
    }
    Ok(target.join("release/testbed"))
}
