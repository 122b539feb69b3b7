//! A stop in good order is found again, and a crash brings nothing back.

use cloakroom::core::{ErrorKind, Invalidate, Outcome, Store, Sweep, Version};

use crate::support::{INTERVAL, Rig, ada, change, create, everything, load, until};

#[tokio::test]
async fn a_stop_in_good_order_is_found_again() {
    let rig = Rig::new(1 << 20).await;
    let commit = create(10, Some("ada"));
    let _ = rig.store.commit(&commit).await.unwrap();
    let second = change(commit.guard, b"second");
    let _ = rig.store.commit(&second).await.unwrap();
    for _ in 0..1_200 {
        rig.create(1_000).await;
    }
    until(|| rig.store.passivated() > 0).await;
    assert!(rig.store.passivated() < 1_201, "some are in memory");
    assert_eq!(rig.store.stop().await.unwrap(), 1_201);

    let rig = rig.restart().await;
    assert_eq!((rig.store.len(), rig.store.passivated()), (1_201, 1_201));
    assert_eq!(rig.store.sessions_of(&ada("ada")).await.unwrap()[0].handle, commit.guard.handle);
    let Outcome::Committed(repeated) = rig.store.commit(&second).await.unwrap() else { panic!() };
    assert_eq!(repeated.version, Version(2), "a retry has its first answer");
    let opened = rig.open(commit.guard).await.unwrap();
    assert_eq!((opened.meta.version, opened.attributes[0].revision), (Version(2), Version(2)));
    assert_eq!(&opened.attributes[0].value[..], b"second");
    assert_eq!(rig.set(commit.guard, b"third").await.unwrap(), Version(3));
    rig.clock.advance(INTERVAL - std::time::Duration::from_millis(1));
    assert!(rig.open(commit.guard).await.is_some());
    rig.clock.advance(INTERVAL);
    assert!(rig.open(commit.guard).await.is_none());
    let sweep = Sweep { limit: 10_000, lease: None, select: everything() };
    assert_eq!(rig.store.sweep(&sweep).await.unwrap().len(), 1_201);
    until(|| rig.depot.parcels() == 0).await;
}

#[tokio::test]
async fn it_can_be_stopped_and_started_again_and_again() {
    let mut rig = Rig::new(0).await;
    let guard = rig.create(10).await;
    for version in 2..6 {
        rig.store.stop().await.unwrap();
        rig = rig.restart().await;
        assert_eq!(rig.set(guard, b"x").await.unwrap(), Version(version));
    }
    rig.all_away().await;
    until(|| rig.depot.parcels() == 1).await;
}

#[tokio::test]
async fn a_crash_brings_nothing_back() {
    let rig = Rig::new(0).await;
    let guard = rig.create(10).await;
    rig.all_away().await;
    let rig = rig.restart().await;
    assert!(rig.open(guard).await.is_none());
    assert_eq!((rig.store.len(), rig.depot.parcels()), (0, 0));
}

#[tokio::test]
async fn who_has_logged_out_is_not_logged_in_by_a_crash() {
    let rig = Rig::new(0).await;
    let guard = rig.sign_in("ada").await;
    rig.store.stop().await.unwrap();
    let rig = rig.restart().await;
    assert!(rig.open(guard).await.is_some());
    let _ = rig.store.invalidate(&Invalidate::Ticket(guard)).await.unwrap();
    let rig = rig.restart().await;
    assert!(rig.open(guard).await.is_none());
    assert!(rig.store.is_empty());
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_stop_brings_nothing_back() {
    let rig = Rig::new(0).await;
    let guard = rig.create(10).await;
    rig.depot.fail("seal", true);
    assert!(rig.store.stop().await.is_err());
    rig.depot.fail("seal", false);
    let rig = rig.restart().await;
    assert!(rig.open(guard).await.is_none());
    assert_eq!(rig.depot.parcels(), 0);
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_start_loses_nothing_more() {
    let rig = Rig::new(0).await;
    let guard = rig.create(10).await;
    rig.store.stop().await.unwrap();
    rig.depot.fail("begin", true);
    let again = cloakroom::MemoryStore::builder().passivate_to(rig.depot.clone()).open().await;
    assert!(again.is_err());
    rig.depot.fail("begin", false);
    let rig = rig.restart().await;
    assert!(rig.open(guard).await.is_some());
}

#[tokio::test]
async fn nothing_changes_after_the_stop() {
    let rig = Rig::new(0).await;
    let guard = rig.create(10).await;
    rig.store.stop().await.unwrap();
    let kind = |error: cloakroom::core::Error| error.kind();
    assert_eq!(
        rig.store.commit(&change(guard, b"x")).await.map_err(kind).err(),
        Some(ErrorKind::Unavailable)
    );
    assert_eq!(rig.store.load(&load(guard)).await.map_err(kind).err(), Some(ErrorKind::Unavailable));
    let everyone = rig.store.invalidate(&Invalidate::Everyone).await;
    assert_eq!(everyone.map_err(kind).err(), Some(ErrorKind::Unavailable));
    assert!(rig.store.ping().await.is_err());
}

#[tokio::test]
async fn a_request_that_waits_for_the_disk_at_the_stop_changes_nothing_either() {
    let rig = Rig::new(0).await;
    let guard = rig.create(10).await;
    rig.all_away().await;
    let mut gate = rig.depot.hold("get");
    let commit = change(guard, b"late");
    let (late, _) = tokio::join!(rig.store.commit(&commit), async {
        gate.arrived().await;
        rig.store.stop().await.unwrap();
        drop(gate);
    });
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Unavailable);
    let rig = rig.restart().await;
    assert_eq!(rig.open(guard).await.unwrap().meta.version, Version(1));
}

#[tokio::test]
async fn a_stop_that_failed_can_be_tried_again() {
    let rig = Rig::new(1 << 20).await;
    let guard = rig.create(10).await;
    for operation in ["put", "leave", "seal"] {
        rig.depot.fail(operation, true);
        assert!(rig.store.stop().await.is_err());
        rig.depot.fail(operation, false);
    }
    assert_eq!(rig.store.stop().await.unwrap(), 1);
    let rig = rig.restart().await;
    assert!(rig.open(guard).await.is_some());
}
