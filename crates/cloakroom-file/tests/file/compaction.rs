use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cloakroom_core::{Expect, Outcome, Store as _, Ticket, Version};
use cloakroom_file::FileStore;
use cloakroom_testkit::Harness as _;

use crate::support::*;

const VALUE: usize = 4000;

fn value(number: u64) -> Vec<u8> {
    let mut value = number.to_be_bytes().to_vec();
    value.resize(VALUE, number as u8);
    value
}

#[tokio::test]
async fn a_file_stays_within_its_content_twice_over() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "kept", vec![9; 10_000]).await;
    let mut last = 0;
    let mut rewritten = 0;
    for number in 0..100 {
        commit(&store, &change(ticket.guard(), vec![set("a", value(number))])).await;
        let length = fs::metadata(nodes.file(&ticket)).unwrap().len();
        assert!(length < 2 * (10_000 + VALUE as u64 + 1000) + (16 << 10), "{length} bytes");
        rewritten += u32::from(length < last);
        last = length;
    }
    assert!((5..25).contains(&rewritten), "rewritten {rewritten} times");
    assert_eq!(read(&store, &ticket, "kept").await.unwrap(), vec![9; 10_000]);
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), value(99));
}

#[tokio::test]
async fn a_clear_leaves_nothing_to_be_carried_along() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", vec![9; 100_000]).await;
    let mut clear = change(ticket.guard(), vec![set("b", "1")]);
    clear.changes.clear = true;
    commit(&store, &clear).await;
    assert!(fs::metadata(nodes.file(&ticket)).unwrap().len() < 2000);
    assert_eq!(read(&store, &ticket, "b").await.unwrap(), "1");
}

/// Small commits to a session of many attributes: most frames tell of few, some of all.
#[tokio::test]
async fn attributes_are_found_however_many_commits_came_after() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "n", "0").await;
    let attributes = (0..200).map(|it| set(&format!("a{it}"), vec![it as u8; 300])).collect();
    commit(&store, &change(ticket.guard(), attributes)).await;
    for number in 1..80_u64 {
        commit(&store, &change(ticket.guard(), vec![set("n", number.to_string())])).await;
        let opened = open(&store, &ticket, &["n", "a7"]).await.unwrap().unwrap();
        assert_eq!(opened.meta.version, Version(number + 2));
        let values: Vec<_> = opened.attributes.iter().map(|it| it.value.clone()).collect();
        assert_eq!(values, [vec![7; 300], number.to_string().into_bytes()]);
    }
    let cloakroom_core::Loaded::Open(opened) = store.load(&everything(&ticket)).await.unwrap() else {
        panic!("not open")
    };
    assert_eq!((opened.attributes.len(), opened.names.unwrap().len()), (201, 201));
}

/// Files are rewritten under the eyes of readers and of writers who wait: nobody sees a mixture, no count is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_and_writers_do_not_notice_it() {
    let nodes = Nodes::relaxed();
    let store = nodes.store().await;
    let ticket = session(&store, "a", value(0)).await;
    commit(&store, &change(ticket.guard(), vec![set("b", value(0))])).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for _ in 0..3 {
        let (store, is_over) = (nodes.store().await, Arc::clone(&is_over));
        readers.push(tokio::spawn(async move { watch(&store, &ticket, &is_over).await }));
    }
    let mut writers = Vec::new();
    for _ in 0..3 {
        let store = nodes.store().await;
        writers.push(tokio::spawn(async move {
            for _ in 0..60 {
                count_up(&store, &ticket).await;
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    assert_eq!(read(&store, &ticket, "a").await.unwrap(), value(180));
    assert!(fs::metadata(nodes.file(&ticket)).unwrap().len() < 50_000, "it was rewritten");
}

async fn watch(store: &FileStore, ticket: &Ticket, is_over: &AtomicBool) -> u64 {
    let (mut loads, mut last) = (0, Version(0));
    while !is_over.load(Ordering::SeqCst) {
        let opened = open(store, ticket, &["a", "b"]).await.unwrap().unwrap();
        let [a, b] = &opened.attributes[..] else { panic!("two attributes") };
        assert_eq!((&a.value, a.value.len()), (&b.value, VALUE));
        assert!(opened.meta.version >= last);
        last = opened.meta.version;
        loads += 1;
    }
    loads
}

async fn count_up(store: &FileStore, ticket: &Ticket) {
    loop {
        let opened = open(store, ticket, &["a"]).await.unwrap().unwrap();
        let held = &opened.attributes[0];
        let next = held.value.first_chunk().map(|it| u64::from_be_bytes(*it)).unwrap() + 1;
        let mut change = change(ticket.guard(), vec![set("a", value(next)), set("b", value(next))]);
        change.changes.attributes[0].expect = Some(Expect::Revision(held.revision));
        match store.commit(&change).await.unwrap() {
            Outcome::Committed(_) => return,
            Outcome::Conflict(_) => {}
            other => panic!("{other:?}"),
        }
    }
}
