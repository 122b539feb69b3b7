use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A demo that runs on a free port, with a database of its own. It is killed when this is dropped.
pub(crate) struct Shop {
    process: Child,
    url: String,
    folder: TempDir,
}

impl Shop {
    pub(crate) fn open() -> Self {
        Self::open_with(&[])
    }

    pub(crate) fn open_with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the database");
        let (process, url) = start(&folder.path().join("shop.sqlite"), arguments);
        Self { process, url, folder }
    }

    /// Returns the address of one of its pages.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Closes the shop with SIGTERM, and opens it again on the same database. The port is another one, which is the
    /// same to cookies.
    pub(crate) fn restart(&mut self) {
        let pid = self.process.id().to_string();
        let signalled = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(signalled.expect("`kill` runs").success());
        let ended = self.process.wait().expect("the demo was started");
        assert!(ended.success(), "the demo ended with {ended}");
        (self.process, self.url) = start(&self.folder.path().join("shop.sqlite"), &[]);
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(database: &PathBuf, arguments: &[&str]) -> (Child, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_demo"))
        .args(["--listen", "127.0.0.1:0", "--database"])
        .arg(database)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the demo starts");
    let output = process.stdout.take().expect("its output is piped");
    let told = BufReader::new(output).lines().map_while(Result::ok);
    let url = told.filter_map(|line| line.find("http://").map(|at| line[at..].to_owned())).next();
    (process, url.expect("the demo prints its address"))
}
