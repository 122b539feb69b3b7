use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use cloakroom_core::{Loaded, Seed, Store as _, Timestamp, Touch};
use cloakroom_testkit::Harness as _;

use crate::support::*;

const ALWAYS: Touch = Touch::AtMostEvery(Duration::ZERO);

#[tokio::test]
async fn a_touch_is_written_in_place() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", vec![1; 50_000]).await;
    let before = fs::metadata(nodes.file(&ticket)).unwrap();
    for _ in 0..50 {
        nodes.clock.advance(Duration::from_secs(1));
        let visit = load(&ticket, &[], ALWAYS);
        let Loaded::Open(opened) = store.load(&visit).await.unwrap() else { panic!("not open") };
        let after = open(&store, &ticket, &[]).await.unwrap().unwrap();
        assert_eq!(after.meta.accessed_at, opened.now);
    }
    let after = fs::metadata(nodes.file(&ticket)).unwrap();
    assert_eq!((before.len(), before.ino()), (after.len(), after.ino()));
}

#[tokio::test]
async fn an_access_does_not_go_backward_with_the_clock() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    nodes.clock.advance(INTERVAL / 2);
    store.load(&load(&ticket, &[], ALWAYS)).await.unwrap();
    let accessed_at = open(&store, &ticket, &[]).await.unwrap().unwrap().meta.accessed_at;
    nodes.clock.set(Timestamp::from_millis(accessed_at.as_millis() - 200_000));
    store.load(&load(&ticket, &[], ALWAYS)).await.unwrap();
    commit(&store, &change(ticket.guard(), vec![set("a", "2")])).await;
    assert_eq!(open(&store, &ticket, &[]).await.unwrap().unwrap().meta.accessed_at, accessed_at);
}

#[tokio::test]
async fn the_first_use_of_a_renewed_ticket_is_kept() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    let (next, renewal) = renew(&ticket, Seed::generate().unwrap());
    commit(&store, &renewal).await;
    let length = fs::metadata(nodes.file(&ticket)).unwrap().len();
    for expected in [true, false, false] {
        store.load(&load(&next, &[], Touch::AtMostEvery(INTERVAL))).await.unwrap();
        let grew = fs::metadata(nodes.file(&ticket)).unwrap().len() > length;
        assert!(grew, "it is more than an access");
        let Loaded::Open(opened) = store.load(&load(&ticket, &[], Touch::Never)).await.unwrap() else {
            panic!("not open")
        };
        assert_eq!(opened.standing, cloakroom_core::Standing::Previous(None), "{expected}");
        assert_eq!(opened.meta.version.0, 2, "an access is no commit");
    }
}

/// What waits for a lock gives up, and the access is left to the next load.
#[tokio::test]
async fn an_access_that_cannot_be_recorded_is_left_to_the_next_load() {
    let nodes = Nodes::new();
    let store = nodes.store().await;
    let ticket = session(&store, "a", "1").await;
    let created_at = open(&store, &ticket, &[]).await.unwrap().unwrap().meta.created_at;
    nodes.clock.advance(INTERVAL / 4);
    let lock = nodes.lock(&ticket);
    assert!(matches!(store.load(&load(&ticket, &["a"], ALWAYS)).await.unwrap(), Loaded::Open(_)));
    drop(lock);
    assert_eq!(open(&store, &ticket, &[]).await.unwrap().unwrap().meta.accessed_at, created_at);
    store.load(&load(&ticket, &[], ALWAYS)).await.unwrap();
    assert!(open(&store, &ticket, &[]).await.unwrap().unwrap().meta.accessed_at > created_at);
}
