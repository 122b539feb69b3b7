//! The depot for a memory store: what it keeps, for whom, and what of it is good for another start.

use std::future::Future as _;

use bytes::Bytes;
use cloakroom_core::{Depot as _, ErrorKind};
use cloakroom_sqlx::SqliteDepot;
use tempfile::TempDir;

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

async fn depot(folder: &TempDir) -> SqliteDepot {
    SqliteDepot::open(folder.path().join("depot.db")).await.unwrap()
}

#[tokio::test]
async fn parcels_are_kept_and_removed_by_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let depot = depot(&folder).await;
    depot.begin().await.unwrap();
    let large = Bytes::from(vec![7; 300_000]);
    depot.put(vec![(1, bytes("one")), (2, large.clone()), (3, Bytes::new())]).await.unwrap();
    assert_eq!(depot.get(1).await.unwrap(), Some(bytes("one")));
    assert_eq!(depot.get(2).await.unwrap(), Some(large));
    assert_eq!(depot.get(3).await.unwrap(), Some(Bytes::new()));
    depot.remove(vec![1, 3, 99]).await.unwrap();
    assert_eq!(depot.get(1).await.unwrap(), None);
    assert!(depot.get(2).await.unwrap().is_some());
}

#[tokio::test]
async fn what_was_sealed_is_found_once_and_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    {
        let depot = depot(&folder).await;
        depot.begin().await.unwrap();
        depot.put((1..=5).map(|number| (number, bytes("content"))).collect()).await.unwrap();
        depot.leave(vec![(2, bytes("two")), (4, bytes("four")), (5, bytes("five"))]).await.unwrap();
        assert_eq!(depot.sealed().await.unwrap(), None);
        depot.seal(bytes("note")).await.unwrap();
    }
    let depot = depot(&folder).await;
    assert_eq!(depot.sealed().await.unwrap(), Some(bytes("note")));
    assert_eq!(depot.left(None, 2).await.unwrap(), [(2, bytes("two")), (4, bytes("four"))]);
    assert_eq!(depot.left(Some(4), 2).await.unwrap(), [(5, bytes("five"))]);
    depot.begin().await.unwrap();
    assert_eq!(depot.sealed().await.unwrap(), None);
    assert!(depot.left(None, 9).await.unwrap().is_empty());
    assert_eq!(depot.get(1).await.unwrap(), None, "it had no record");
    assert_eq!(depot.get(2).await.unwrap(), Some(bytes("content")));
}

#[tokio::test]
async fn what_was_not_sealed_is_gone_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    {
        let depot = depot(&folder).await;
        depot.begin().await.unwrap();
        depot.put(vec![(1, bytes("content"))]).await.unwrap();
        depot.leave(vec![(1, bytes("record"))]).await.unwrap();
    }
    let depot = depot(&folder).await;
    assert_eq!(depot.sealed().await.unwrap(), None);
    depot.begin().await.unwrap();
    assert!(depot.left(None, 9).await.unwrap().is_empty());
    assert_eq!(depot.get(1).await.unwrap(), None);
}

#[tokio::test]
async fn nobody_else_can_open_it_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let first = depot(&folder).await;
    let clone = first.clone();
    drop(first);
    let second = SqliteDepot::open(folder.path().join("depot.db")).await.unwrap_err();
    assert_eq!(second.kind(), ErrorKind::Refused);
    drop(clone);
    depot(&folder).await;
}

/// Dropped at ever later moments: what it had come to is rolled back, unless it was done.
#[tokio::test]
async fn a_step_that_is_given_up_leaves_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let depot = depot(&folder).await;
    depot.begin().await.unwrap();
    let mut done = false;
    for polls in 1_u64.. {
        let first = polls * 1000;
        let step = depot.put((first..first + 20).map(|number| (number, bytes("content"))).collect());
        let mut left = polls;
        let mut step = std::pin::pin!(step);
        let given_up = std::future::poll_fn(|cx| {
            if left == 0 {
                return std::task::Poll::Ready(None);
            }
            left -= 1;
            step.as_mut().poll(cx).map(Some)
        });
        done |= given_up.await.is_some_and(|put| put.is_ok());
        let mut there = 0;
        for number in first..first + 20 {
            there += usize::from(depot.get(number).await.unwrap().is_some());
        }
        assert!(there == 0 || there == 20, "{there} of 20 parcels");
        if done {
            break;
        }
    }
    assert!(done);
}
