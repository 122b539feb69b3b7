use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

pub(crate) const CHROMIUM: &str = "/usr/bin/chromium";
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";

/// A `chromedriver` on a free port. It is killed when this is dropped, and its browser with it.
pub(crate) struct Driver {
    process: Child,
    _output: BufReader<ChildStdout>,
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
        let mut process = Command::new(CHROMEDRIVER)
            .arg("--port=0")
            .env("TMPDIR", folder)
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver starts");
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let port = port_told(&mut output);
        Self { process, _output: output, url: format!("http://127.0.0.1:{port}") }
    }
}

/// Reads `ChromeDriver was started successfully on port 12345.`
fn port_told(output: &mut impl BufRead) -> u16 {
    let told = output.lines().map_while(Result::ok);
    let port = told
        .filter_map(|line| line.split_once("successfully on port ").map(|(_, port)| port.to_owned()))
        .next();
    let port = port.expect("chromedriver tells its port");
    port.trim_end_matches('.').parse().expect("a port is a number")
}

impl Drop for Driver {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}
