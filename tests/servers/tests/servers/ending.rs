use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use servers::Postgres;

#[test]
fn a_server_ends_with_its_value_and_leaves_nothing() {
    let postgres = Postgres::start().unwrap();
    let (port, folder) = (postgres.port(), postgres.data());
    assert!(is_open(port) && folder.exists());
    drop(postgres);
    assert!(!is_open(port) && !folder.parent().unwrap().exists());
}

#[test]
fn the_shared_servers_end_when_their_input_closes() {
    let mut shared = Shared::start();
    drop(shared.child.stdin.take());
    assert!(shared.child.wait().unwrap().success());
    assert!(shared.is_gone());
}

#[test]
fn the_shared_servers_end_with_the_process_that_started_them() {
    let mut shared = Shared::start();
    shared.child.kill().unwrap();
    shared.child.wait().unwrap();
    let began = Instant::now();
    while !shared.is_gone() {
        assert!(began.elapsed() < Duration::from_secs(120), "{:?} {:?}", shared.ports, shared.folders());
        sleep(Duration::from_millis(10));
    }
}

/// What `cargo run -p servers` starts.
struct Shared {
    child: Child,
    ports: Vec<u16>,
    temp: tempfile::TempDir,
}

impl Shared {
    fn start() -> Self {
        // Other users have files of theirs in it.
        let temp = tempfile::tempdir().unwrap();
        let all = std::os::unix::fs::PermissionsExt::from_mode(0o1777);
        std::fs::set_permissions(temp.path(), all).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_servers"))
            .env("TMPDIR", temp.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let exports: Vec<String> = lines.take_while(|line| line.starts_with("export ")).collect();
        let names = exports.iter().map(|line| line.split(['=', ' ']).nth(1).unwrap());
        let expected =
            ["REDIS", "REDIS_SENTINEL", "REDIS_CLUSTER", "POSTGRES", "MYSQL", "NATS", "NATS_CLUSTER"];
        assert!(names.eq(expected.map(|name| format!("CLOAKROOM_TEST_{name}_URL"))), "{exports:?}");
        let ports: Vec<u16> = exports.iter().flat_map(|line| ports(line)).collect();
        let shared = Self { child, ports, temp };
        assert_eq!(shared.ports.len(), 13);
        assert!(shared.ports.iter().all(|&port| is_open(port)));
        shared
    }

    fn folders(&self) -> Vec<PathBuf> {
        self.temp.path().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    fn is_gone(&self) -> bool {
        self.folders().is_empty() && !self.ports.iter().any(|&port| is_open(port))
    }
}

fn ports(line: &str) -> Vec<u16> {
    let parts = line.split("127.0.0.1:").skip(1);
    parts.map(|part| part.split([',', '/']).next().unwrap().parse().unwrap()).collect()
}

fn is_open(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}
