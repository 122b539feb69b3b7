//! What a crash can leave of a file, and what it cannot.

use std::fs;

use bytes::Bytes;
use cloakroom_core::{ErrorKind, Loaded, Opened, Store as _, Ticket, Version};
use cloakroom_file::FileStore;
use cloakroom_testkit::Harness as _;

use crate::support::*;

/// Where the header and the slots end, which are written in place.
const IN_PLACE: usize = 192;

/// A session of three commits, with what its file was after each.
struct Grown {
    nodes: Nodes,
    store: FileStore,
    ticket: Ticket,
    first: Vec<u8>,
    second: Vec<u8>,
    third: Vec<u8>,
}

impl Grown {
    async fn new() -> Self {
        let nodes = Nodes::new();
        let store = nodes.store().await;
        let ticket = session(&store, "a", "one").await;
        let first = fs::read(nodes.file(&ticket)).unwrap();
        commit(&store, &change(ticket.guard(), vec![set("a", "two"), set("b", "two")])).await;
        let second = fs::read(nodes.file(&ticket)).unwrap();
        let last = vec![set("a", "three"), set("b", "three"), set("c", "three")];
        commit(&store, &change(ticket.guard(), last)).await;
        let third = fs::read(nodes.file(&ticket)).unwrap();
        assert!(third.len() > second.len(), "the commit was appended");
        assert_eq!(third[IN_PLACE..second.len()], second[IN_PLACE..]);
        Self { nodes, store, ticket, first, second, third }
    }

    /// Returns the file as it is while the third commit is being written, up to this byte.
    fn cut(&self, length: usize) -> Vec<u8> {
        [&self.second[..IN_PLACE], &self.third[IN_PLACE..length]].concat()
    }

    /// Puts the file there, and loads everything.
    async fn load(&self, file: &[u8]) -> Result<Opened, ErrorKind> {
        fs::write(self.nodes.file(&self.ticket), file).unwrap();
        match self.store.load(&everything(&self.ticket)).await {
            Ok(Loaded::Open(opened)) => Ok(*opened),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.kind()),
        }
    }
}

fn contents(opened: &Opened) -> Vec<(&str, &Bytes)> {
    let mut all: Vec<_> = opened.attributes.iter().map(|it| (it.name.as_str(), &it.value)).collect();
    all.sort_unstable();
    all
}

/// Asserts that this is the session after the second or the third commit, and nothing in between.
fn assert_whole(opened: &Opened) {
    let (value, names): (_, &[&str]) = match opened.meta.version {
        Version(2) => (Bytes::from("two"), &["a", "b"]),
        Version(3) => (Bytes::from("three"), &["a", "b", "c"]),
        other => panic!("{other:?}"),
    };
    assert_eq!(contents(opened), names.iter().map(|name| (*name, &value)).collect::<Vec<_>>());
    assert_eq!(opened.meta.attributes as usize, names.len());
}

#[tokio::test]
async fn a_commit_that_was_cut_short_at_any_byte_is_not_there() {
    let grown = Grown::new().await;
    for length in grown.second.len()..grown.third.len() {
        let opened = grown.load(&grown.cut(length)).await.unwrap();
        assert_eq!(opened.meta.version, Version(2), "cut at {length}");
        assert_whole(&opened);
    }
    let opened = grown.load(&grown.cut(grown.third.len())).await.unwrap();
    assert_eq!(opened.meta.version, Version(3), "whole, though nobody was told");
    assert_whole(&opened);
}

#[tokio::test]
async fn the_next_commit_follows_the_last_whole_one() {
    let grown = Grown::new().await;
    for length in (grown.second.len()..=grown.third.len()).step_by(29) {
        let version = grown.load(&grown.cut(length)).await.unwrap().meta.version;
        commit(&grown.store, &change(grown.ticket.guard(), vec![set("a", "next"), set("d", "next")])).await;
        let opened = open(&grown.store, &grown.ticket, &["a", "b", "d"]).await.unwrap().unwrap();
        assert_eq!(opened.meta.version, version.next());
        let before = if version == Version(3) { "three" } else { "two" };
        let values = ["next", before, "next"].map(Bytes::from);
        assert_eq!(contents(&opened), ["a", "b", "d"].into_iter().zip(&values).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn what_follows_a_commit_that_was_cut_short_is_no_commit() {
    let grown = Grown::new().await;
    for length in (grown.second.len() + 1..grown.third.len()).step_by(41) {
        let mut file = grown.cut(length);
        file.extend_from_slice(&grown.third[length - 1..]);
        assert_eq!(grown.load(&file).await.unwrap().meta.version, Version(2));
    }
}

/// Blocks of a disk may hold what was written elsewhere before: also a commit, whole.
#[tokio::test]
async fn an_old_commit_in_another_place_is_no_commit() {
    let grown = Grown::new().await;
    let file = [&grown.third, &grown.second[grown.first.len()..]].concat();
    let opened = grown.load(&file).await.unwrap();
    assert_eq!(opened.meta.version, Version(3));
    assert_whole(&opened);
}

#[tokio::test]
async fn what_was_acknowledged_and_is_cut_off_is_corrupt() {
    let grown = Grown::new().await;
    for length in 1..grown.third.len() {
        let found = grown.load(&grown.third[..length]).await;
        assert_eq!(found.unwrap_err(), ErrorKind::Corrupt, "cut at {length}");
    }
}

/// One bit of what was acknowledged is not what was written: the session is as it was, or it is corrupt.
#[tokio::test]
async fn a_flipped_bit_is_found_or_harmless() {
    let grown = Grown::new().await;
    let mut found_at = 0;
    for at in 0..grown.third.len() {
        let mut file = grown.third.clone();
        file[at] ^= 1 << (at % 8);
        match grown.load(&file).await {
            Ok(opened) => {
                assert_eq!(opened.meta.version, Version(3), "flipped at {at}");
                assert_whole(&opened);
                assert!(at < grown.second.len(), "flipped at {at}, in the last commit");
            }
            Err(kind) => {
                assert_eq!(kind, ErrorKind::Corrupt);
                found_at += 1;
            }
        }
    }
    assert!(found_at > grown.third.len() / 2, "{found_at}");
}

#[tokio::test]
async fn a_flipped_bit_in_a_commit_that_was_cut_short_mixes_nothing() {
    let grown = Grown::new().await;
    let whole = grown.cut(grown.third.len());
    for at in 0..whole.len() {
        let mut file = whole.clone();
        file[at] ^= 1 << (at % 8);
        match grown.load(&file).await {
            Ok(opened) => assert_whole(&opened),
            Err(kind) => assert_eq!(kind, ErrorKind::Corrupt),
        }
        if at >= grown.second.len() {
            assert_eq!(grown.load(&file).await.unwrap().meta.version, Version(2), "flipped at {at}");
        }
    }
}

#[tokio::test]
async fn an_access_that_was_cut_short_leaves_the_one_before() {
    for place in [64, 128] {
        let grown = Grown::new().await;
        let mut file = grown.third.clone();
        file[place..place + 20].fill(0xee);
        let opened = grown.load(&file).await.unwrap();
        assert_whole(&opened);
        commit(&grown.store, &change(grown.ticket.guard(), vec![set("d", "1")])).await;
        assert_eq!(read(&grown.store, &grown.ticket, "c").await.unwrap(), "three");
    }
}

/// A file that is about to replace another, or to be a new session, is nothing until it does.
#[tokio::test]
async fn a_new_file_that_was_left_behind_harms_nothing() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    let left = nodes.file(&ticket).with_file_name("new");
    fs::write(&left, "cut short").unwrap();
    nodes.clock.advance(INTERVAL / 2);
    assert_eq!(sweep(&store).await, []);
    commit(&store, &change(ticket.guard(), vec![set("a", vec![7; 100_000])])).await;
    commit(&store, &change(ticket.guard(), vec![set("a", "2")])).await;
    assert!(!left.exists(), "it made way when the file was rewritten");
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), "2");
}

/// Up to where a file is known to be on disk, by its later slot.
fn known(file: &[u8]) -> usize {
    let number = |at: usize| u64::from_be_bytes(file[at..at + 8].try_into().unwrap());
    let later = if number(64) > number(128) { 64 } else { 128 };
    usize::try_from(number(later + 24)).unwrap()
}

/// What comes after may be lost in a power cut, though it was not waited for; what comes before may not be needed and lost.
#[tokio::test]
async fn a_session_that_was_not_waited_for_is_as_it_was_some_commits_before() {
    let nodes = Nodes::relaxed();
    let store = nodes.store().await;
    let ticket = session(&store, "n", "1").await;
    for version in 2..100 {
        commit(&store, &change(ticket.guard(), vec![set("n", version.to_string())])).await;
        let file = fs::read(nodes.file(&ticket)).unwrap();
        nodes.tamper(&ticket, |file| file.truncate(known(file)));
        match open(&store, &ticket, &["n"]).await.unwrap() {
            None => assert!(version < 40, "gone after {version} commits"),
            Some(opened) => {
                let found = opened.meta.version.0;
                assert!(found + 32 > version, "version {found} after {version} commits");
                assert_eq!(opened.attributes[0].value, found.to_string());
            }
        }
        fs::write(nodes.file(&ticket), file).unwrap();
    }
}

/// A power cut may leave some pages of a new file and not others.
#[tokio::test]
async fn a_new_session_that_was_not_waited_for_is_whole_or_gone() {
    let nodes = Nodes::relaxed();
    let store = nodes.store().await;
    let many = (0..100).map(|it| set(&format!("a{it}"), vec![1; 100])).collect();
    let ticket = Ticket::generate().unwrap();
    commit(&store, &create(ticket.guard(), many)).await;
    let whole = fs::read(nodes.file(&ticket)).unwrap();
    for at in [4096, 8192] {
        let zeros = vec![0; whole.len() - at];
        for file in [whole[..at].to_vec(), [&whole[..at], &zeros].concat()] {
            fs::write(nodes.file(&ticket), file).unwrap();
            assert!(open(&store, &ticket, &["a1"]).await.unwrap().is_none(), "cut at {at}");
        }
    }
    nodes.clock.advance(INTERVAL);
    assert_eq!(sweep(&store).await, []);
    assert!(!nodes.file(&ticket).exists());
}

/// What a power cut may leave of a session that was not waited for.
#[tokio::test]
async fn an_empty_file_is_no_session() {
    let nodes = Nodes::relaxed();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    fs::write(nodes.file(&ticket), "").unwrap();
    assert!(open(&store, &ticket, &["a"]).await.unwrap().is_none());
    nodes.clock.advance(INTERVAL);
    assert_eq!(sweep(&store).await, []);
    assert!(!nodes.file(&ticket).exists());
}
