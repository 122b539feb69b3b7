//! What an operation reads and writes, as the kernel counts it: in a process of its own.

use std::process::Command;

use cloakroom_core::{Limits, Store as _, Touch};
use cloakroom_testkit::Harness as _;

use crate::support::*;

const ROUNDS: u64 = 50;

/// What this process has read and written so far: bytes and calls.
#[derive(Clone, Copy, Debug)]
struct Io {
    bytes_read: u64,
    bytes_written: u64,
}

impl Io {
    fn now() -> Self {
        let text = std::fs::read_to_string("/proc/self/io").unwrap();
        let number = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            line.trim().parse().unwrap()
        };
        Self { bytes_read: number("rchar:"), bytes_written: number("wchar:") }
    }

    /// Returns how much one of many rounds has read and written.
    fn since(self) -> (u64, u64) {
        let now = Self::now();
        ((now.bytes_read - self.bytes_read) / ROUNDS, (now.bytes_written - self.bytes_written) / ROUNDS)
    }
}

#[test]
fn operations_on_a_large_session_cost_little() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "cost::a_process_that_counts"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
#[ignore = "started by another test, as a process of its own"]
async fn a_process_that_counts() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "small", vec![1; 100]).await;
    for number in 0..4 {
        let mut large = change(ticket.guard(), vec![set(&format!("large{number}"), vec![2; 200_000])]);
        large.limits = Limits { session_bytes: 2 << 20, ..Limits::default() };
        commit(&store, &large).await;
    }
    for number in 0..40 {
        commit(&store, &change(ticket.guard(), vec![set("small", vec![number; 100])])).await;
    }

    let before = Io::now();
    for _ in 0..ROUNDS {
        assert_eq!(read(&store, &ticket, "small").await.unwrap().len(), 100);
    }
    let (bytes_read, bytes_written) = before.since();
    assert!(bytes_read < 60_000, "a load of a small attribute reads {bytes_read} bytes");
    assert!(bytes_written < 64, "a load without an access writes {bytes_written} bytes");

    let before = Io::now();
    for _ in 0..ROUNDS {
        commit(&store, &change(ticket.guard(), vec![set("small", vec![9; 100])])).await;
    }
    let (bytes_read, bytes_written) = before.since();
    assert!(bytes_read < 60_000, "a commit of a small attribute reads {bytes_read} bytes");
    assert!(bytes_written < 1000, "a commit of a small attribute writes {bytes_written} bytes");

    let before = Io::now();
    for _ in 0..ROUNDS {
        nodes.clock.advance(INTERVAL / 5);
        store.load(&load(&ticket, &[], Touch::AtMostEvery(INTERVAL))).await.unwrap();
    }
    let (_, bytes_written) = before.since();
    assert!(bytes_written < 100, "an access writes {bytes_written} bytes");
}
