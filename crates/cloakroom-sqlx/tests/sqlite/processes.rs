use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cloakroom_core::{
    Commit, Conflict, ErrorKind, Expect, Handle, Intent, Outcome, Select, Store as _, Sweep, Ticket, Version,
};
use cloakroom_sqlx::SqliteStore;

use crate::support::*;

const PROCESSES: usize = 4;
const ROUNDS: u64 = 25;
const EXPIRED: usize = 200;

/// Tells a child which file to work on, and with which ticket.
const FILE: &str = "CLOAKROOM_TEST_FILE";
const TICKET: &str = "CLOAKROOM_TEST_TICKET";

/// Several processes open a new file at once, count up one attribute and sweep: no count is lost, and each expired session
/// is handed out to one of them.
#[tokio::test]
async fn processes_share_a_file() {
    let nodes = Nodes::new();
    let ticket = Ticket::generate().unwrap();
    let children: Vec<_> =
        (0..PROCESSES).map(|_| start("processes::a_process_of_its_own", &nodes.path(), &ticket)).collect();
    let mut handed_out = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        handed_out.extend(text.lines().filter_map(|line| line.parse::<Handle>().ok()));
    }
    let store = SqliteStore::open(nodes.path()).await.unwrap();
    let count = read(&store, &ticket, "count").await.unwrap();
    assert_eq!(parse(&count), PROCESSES as u64 * ROUNDS);
    handed_out.extend(sweep(&store).await);
    assert_eq!(handed_out.len(), PROCESSES * EXPIRED);
    assert_eq!(handed_out.iter().collect::<HashSet<_>>().len(), handed_out.len());
}

/// A process is killed while it commits, once it has told of a few commits: those are there, and what is there is whole.
#[tokio::test]
async fn a_killed_process_loses_nothing_acknowledged_and_leaves_no_half_commit() {
    let nodes = Nodes::new();
    let ticket = Ticket::generate().unwrap();
    let mut child = start("processes::a_process_to_be_killed", &nodes.path(), &ticket);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut versions = lines.filter_map(|line| line.parse::<u64>().ok());
    let acknowledged = versions.find(|version| *version >= 20).unwrap();
    child.kill().unwrap();
    let acknowledged = versions.last().unwrap_or(acknowledged);
    child.wait().unwrap();

    let store = SqliteStore::open(nodes.path()).await.unwrap();
    let opened = open(&store, &ticket, &["a", "b"]).await.unwrap().unwrap();
    let version = opened.meta.version;
    assert!(version.0 == acknowledged || version.0 == acknowledged + 1, "{version:?} after {acknowledged}");
    for attribute in &opened.attributes {
        assert_eq!((attribute.revision, parse(&attribute.value)), (version, version.0));
    }
    assert_eq!(opened.attributes.len(), 2);
    commit(&store, &change(ticket.guard(), vec![set("a", "goes on")])).await;
}

#[tokio::test]
#[ignore = "started by another test, as a process of its own"]
async fn a_process_to_be_killed() {
    let (store, ticket) = given().await;
    let pair = |version: u64| vec![set("a", version.to_string()), set("b", version.to_string())];
    commit(&store, &create(ticket.guard(), pair(1))).await;
    for version in 2.. {
        commit(&store, &change(ticket.guard(), pair(version))).await;
        println!("\n{version}");
    }
}

fn start(child: &str, file: &Path, ticket: &Ticket) -> std::process::Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", child]);
    command.env(FILE, file).env(TICKET, ticket.expose());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[tokio::test]
#[ignore = "started by another test, as a process of its own"]
async fn a_process_of_its_own() {
    let (store, ticket) = given().await;
    let _ = store.commit(&create(ticket.guard(), Vec::new())).await.unwrap();
    for _ in 0..EXPIRED {
        let mut brief = create(Ticket::generate().unwrap().guard(), vec![set("a", "1")]);
        if let Intent::Create(creation) = &mut brief.intent {
            creation.max_inactive_interval = Duration::from_millis(1);
        }
        commit(&store, &brief).await;
    }
    for _ in 0..ROUNDS {
        count_up(&store, &ticket).await;
        let request = Sweep { limit: 7, lease: None, select: Select::default() };
        for ended in store.sweep(&request).await.unwrap() {
            println!("\n{}", ended.handle);
        }
    }
}

/// Opens the file, and reads the ticket, that the parent has given this process.
async fn given() -> (SqliteStore, Ticket) {
    let path = std::env::var(FILE).unwrap();
    let _first = opened(&path).await;
    let options = SqliteStore::connect_options(&path).busy_timeout(Duration::from_secs(60));
    let store = SqliteStore::new(pool_of(4, options).await);
    let ticket = Ticket::parse(std::env::var(TICKET).unwrap().as_bytes()).unwrap();
    (store, ticket)
}

/// Opens the file, which others may be making at the same time, on a machine that may be slow.
async fn opened(path: &str) -> SqliteStore {
    let began = Instant::now();
    loop {
        match SqliteStore::open(path).await {
            Err(error) if error.kind() == ErrorKind::Timeout && began.elapsed() < Duration::from_secs(60) => {
            }
            opened => return opened.unwrap(),
        }
    }
}

async fn count_up(store: &SqliteStore, ticket: &Ticket) {
    loop {
        match store.commit(&next(store, ticket).await).await.unwrap() {
            Outcome::Committed(_) => return,
            Outcome::Conflict(Conflict::Attribute(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn next(store: &SqliteStore, ticket: &Ticket) -> Commit {
    let opened = open(store, ticket, &["count"]).await.unwrap().unwrap();
    let held = opened.attributes.first();
    let count = held.map_or(0, |held| parse(&held.value)) + 1;
    let mut change = change(ticket.guard(), vec![set("count", count.to_string())]);
    let expected = held.map_or(Expect::Absent, |held| Expect::Revision(Version(held.revision.0)));
    change.changes.attributes[0].expect = Some(expected);
    change
}

fn parse(count: &Bytes) -> u64 {
    std::str::from_utf8(count).unwrap().parse().unwrap()
}
