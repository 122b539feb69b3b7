use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

pub(crate) const CHROMIUM: &str = "/usr/bin/chromium";
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";

/// A `chromedriver` on a free port. It is killed when this is dropped, and its browser with it.
pub(crate) struct Driver {
    process: Child,
    /// Kept open: it must not meet a closed pipe.
    output: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Driver {
    /// Starts it, and lets it and its browser write to this folder only.
    pub(crate) fn start(folder: &Path) -> Self {
        for program in [CHROMIUM, CHROMEDRIVER] {
            assert!(
                Path::new(program).exists(),
                "{program} is missing; run: apt-get install -y chromium chromium-driver"
            );
        }
        // It takes a free port for IPv4 and then the same one for IPv6, which somebody else may hold.
        let started = (0..10).find_map(|_| Self::start_once(folder));
        started.expect("chromedriver starts and tells its port")
    }

    fn start_once(folder: &Path) -> Option<Self> {
        let mut process = Command::new(CHROMEDRIVER)
            .arg("--port=0")
            .env("TMPDIR", folder)
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver starts");
        let output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let mut driver = Self { process, output, url: String::new() };
        let port = port_told(&mut driver.output)?;
        driver.url = format!("http://127.0.0.1:{port}");
        Some(driver)
    }
}

/// Reads `ChromeDriver was started successfully on port 12345.`, unless it ends before.
fn port_told(output: &mut impl BufRead) -> Option<u16> {
    let mut told = output.lines().map_while(Result::ok);
    let port =
        told.find_map(|line| line.split_once("successfully on port ").map(|(_, port)| port.to_owned()))?;
    Some(port.trim_end_matches('.').parse().expect("a port is a number"))
}

impl Drop for Driver {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}
