//! Sessions end while they are on disk.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use cloakroom::core::{Commit, EndReason, Invalidate, Invalidated, Outcome, Select, Store, Sweep};

use crate::support::{INTERVAL, Rig, ada, change, everything, until};

fn sweep(select: Select, lease: Option<Duration>) -> Sweep {
    Sweep { limit: 100, lease, select }
}

#[tokio::test]
async fn a_principals_sessions_are_listed_and_ended_without_reading_them() {
    let rig = Rig::new(0).await;
    let (one, two) = (rig.sign_in("ada").await, rig.sign_in("ada").await);
    let other = rig.sign_in("bob").await;
    rig.all_away().await;
    rig.depot.fail("get", true);
    assert_eq!(rig.store.sessions_of(&ada("ada")).await.unwrap().len(), 2);
    let everywhere = Invalidate::Principal { principal: ada("ada"), except: None };
    let Invalidated::Done(ended) = rig.store.invalidate(&everywhere).await.unwrap() else { panic!() };
    assert_eq!(ended.len(), 2);
    assert!(ended.iter().all(|it| it.names.len() == 1 && it.reason == EndReason::Invalidated));
    assert_eq!(rig.depot.calls("get"), 0);
    rig.depot.fail("get", false);
    assert!(rig.open(one).await.is_none() && rig.open(two).await.is_none());
    assert!(rig.open(other).await.is_some());
}

#[tokio::test]
async fn everyone_ends_and_the_disk_is_cleared() {
    let rig = Rig::new(0).await;
    for _ in 0..700 {
        rig.create(10).await;
    }
    rig.all_away().await;
    let _ = rig.store.invalidate(&Invalidate::Everyone).await.unwrap();
    assert!(rig.store.is_empty());
    until(|| rig.depot.parcels() == 0).await;
}

#[tokio::test]
async fn what_expired_on_disk_is_handed_out_with_its_values() {
    let rig = Rig::new(0).await;
    let guard = rig.sign_in("ada").await;
    rig.all_away().await;
    rig.clock.advance(INTERVAL);
    let claimed = rig.store.sweep(&sweep(everything(), Some(INTERVAL))).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].handle, guard.handle);
    assert_eq!(claimed[0].reason, EndReason::Inactive);
    assert_eq!(claimed[0].principal, Some(ada("ada")));
    assert_eq!(claimed[0].attributes[0].value[..], [7; 100]);
    rig.all_away().await;
    assert!(rig.store.sweep(&sweep(everything(), None)).await.unwrap().is_empty(), "it is claimed");
    rig.store.acknowledge(&[guard.handle]).await.unwrap();
    assert!(rig.store.is_empty());
    until(|| rig.depot.parcels() == 0).await;
}

#[tokio::test]
async fn names_are_handed_out_without_reading() {
    let rig = Rig::new(0).await;
    rig.create(10).await;
    rig.all_away().await;
    rig.clock.advance(INTERVAL);
    let ended = rig.store.sweep(&sweep(Select::default(), None)).await.unwrap();
    assert_eq!(ended[0].names[0].as_str(), "a");
    assert_eq!(rig.depot.calls("get"), 0);
    assert!(rig.store.is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_is_handed_out_later() {
    let rig = Rig::new(0).await;
    rig.create(10).await;
    rig.all_away().await;
    rig.clock.advance(INTERVAL);
    rig.depot.fail("get", true);
    assert!(rig.store.sweep(&sweep(everything(), None)).await.unwrap().is_empty());
    assert_eq!(rig.store.len(), 1);
    rig.depot.fail("get", false);
    rig.clock.advance(Duration::from_secs(60));
    let ended = rig.store.sweep(&sweep(everything(), None)).await.unwrap();
    assert_eq!(ended[0].attributes.len(), 1);
}

#[tokio::test]
async fn what_is_damaged_is_handed_out_without_values() {
    let rig = Rig::new(0).await;
    rig.create(10).await;
    rig.all_away().await;
    rig.clock.advance(INTERVAL);
    rig.depot.damage();
    let ended = rig.store.sweep(&sweep(everything(), None)).await.unwrap();
    assert_eq!((ended.len(), ended[0].names.len(), ended[0].attributes.len()), (1, 1, 0));
    assert!(rig.store.is_empty());
}

#[tokio::test]
async fn what_expired_long_ago_leaves_the_disk_by_itself() {
    let rig = Rig::new(0).await;
    rig.create(10).await;
    rig.all_away().await;
    rig.clock.advance(INTERVAL + Duration::from_secs(301));
    let live = rig.create(10).await;
    rig.all_away().await;
    assert_eq!(rig.store.len(), 1);
    until(|| rig.depot.parcels() == 1).await;
    assert!(rig.open(live).await.is_some());
}

#[tokio::test]
async fn what_is_damaged_is_handed_out_to_one_of_those_who_sweep_at_the_same_time() {
    let rig = Rig::new(0).await;
    rig.create(10).await;
    rig.all_away().await;
    rig.clock.advance(INTERVAL);
    rig.depot.damage();
    let mut gate = rig.depot.hold("get");
    let claim = sweep(everything(), Some(INTERVAL));
    let both = async { tokio::join!(rig.store.sweep(&claim), rig.store.sweep(&claim)) };
    let open = async {
        gate.arrived().await;
        drop(gate);
    };
    let ((one, other), ()) = tokio::join!(both, open);
    assert_eq!(one.unwrap().len() + other.unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_that_a_late_commit_has_revived_lives_on_though_a_sweep_cannot_read_it() {
    let rig = Rig::new(0).await;
    let guard = rig.create(10).await;
    rig.all_away().await;
    rig.clock.advance(INTERVAL);
    let gate = rig.depot.hold("get");
    let late = Commit { age: Duration::from_secs(1), ..change(guard, b"late") };
    let claim = sweep(everything(), Some(INTERVAL));
    let (mut commit, mut sweeping) = (pin!(rig.store.commit(&late)), pin!(rig.store.sweep(&claim)));
    // The commit reads the session, and the sweep waits for it.
    poll_fn(|cx| {
        assert!(commit.as_mut().poll(cx).is_pending() && sweeping.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    drop(gate);
    assert!(matches!(commit.await.unwrap(), Outcome::Committed(_)));
    rig.all_away().await;
    rig.depot.fail("get", true);
    assert!(sweeping.await.unwrap().is_empty());
    rig.depot.fail("get", false);
    assert!(rig.open(guard).await.is_some());
    rig.set(guard, b"later").await.unwrap();
}
