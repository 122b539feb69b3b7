//! What the example says is what happens, on real servers.

#![expect(clippy::unwrap_used, reason = "a helper of a test may panic as the test does")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use servers::{Port, Redis};

const NODE: &str = env!("CARGO_BIN_EXE_example-buddy");
const RUN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/run");

/// Runs the script, and checks what its visitor saw.
#[track_caller]
fn outlives_the_primary(store: &str) {
    let ports: Vec<Port> = (0..7).map(|_| Port::claim().unwrap()).collect();
    let numbers: Vec<_> = ports.iter().map(|port| port.number().to_string()).collect();
    let run =
        Command::new(RUN).arg(store).env("NODE", NODE).env("PORTS", numbers.join(" ")).output().unwrap();
    let [out, err] = [&run.stdout, &run.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(run.status.success(), "{out}\n{err}");
    let seen: Vec<&str> =
        out.lines().filter(|line| !line.is_empty() && !line.starts_with("== starting")).collect();
    let expected = [
        "Visit number 1",
        "Visit number 2",
        "== killing the primary",
        "== the buddy has taken over, and has the session",
        "2 visits so far",
        "Visit number 3",
        "== and a logout is as safe",
        "Goodbye",
        "0 visits so far",
    ];
    assert_eq!(seen, expected, "{err}");
}

#[test]
fn a_session_in_redis_outlives_the_primary() {
    outlives_the_primary("redis");
}

#[test]
fn a_session_in_postgresql_outlives_the_primary() {
    outlives_the_primary("postgres");
}

/// A node, which ends with its test.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A primary that nobody follows.
#[test]
fn a_change_that_no_replica_has_is_not_acknowledged() {
    let redis = Redis::start().unwrap();
    let mut command = Command::new(NODE);
    command.env("STORE_URL", redis.url()).env("PORT", "0").stdout(Stdio::piped());
    let mut node = Node(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(node.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("http://").unwrap();
    assert!(ask(address, "/look").starts_with("HTTP/1.1 200 "), "reading waits for nobody");
    let changed = ask(address, "/");
    assert!(changed.starts_with("HTTP/1.1 503 ") && !changed.contains("set-cookie"), "{changed}");
}

fn ask(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
