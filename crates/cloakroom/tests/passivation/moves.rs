//! On the way to disk and back nothing is lost, whatever comes between.

use cloakroom::core::{ErrorKind, Invalidate, Invalidated, Loaded, Outcome, Store, Ticket, Version};

use crate::support::{Rig, change, load, until};

#[tokio::test]
async fn beyond_the_limit_the_least_recently_used_go_to_disk_and_come_back_on_use() {
    let rig = Rig::new(100_000).await;
    let mut guards = Vec::new();
    for _ in 0..8 {
        guards.push(rig.create(10_000).await);
    }
    assert_eq!(rig.store.passivated(), 0, "it is not full yet");
    assert!(rig.open(guards[0]).await.is_some(), "this one is used again");
    guards.push(rig.create(20_000).await);
    until(|| rig.store.passivated() > 0 && rig.store.bytes() <= 100_000 * 7 / 8).await;
    assert_eq!(rig.store.len(), 9);
    let reads = rig.depot.calls("get");
    assert!(rig.open(guards[0]).await.is_some());
    assert!(rig.open(guards[8]).await.is_some());
    assert_eq!(rig.depot.calls("get"), reads, "those two were used last");
    for guard in guards {
        let opened = rig.open(guard).await.unwrap();
        assert!(opened.attributes[0].value.iter().all(|byte| *byte == 7));
    }
    assert!(rig.depot.calls("get") > reads);
}

#[tokio::test]
async fn version_and_revisions_go_on() {
    let rig = Rig::new(0).await;
    let guard = rig.create(10).await;
    for version in 2..5 {
        rig.all_away().await;
        assert_eq!(rig.set(guard, b"x").await.unwrap(), Version(version));
    }
    rig.all_away().await;
    let opened = rig.open(guard).await.unwrap();
    assert_eq!((opened.meta.version, opened.attributes[0].revision), (Version(4), Version(4)));
}

#[tokio::test]
async fn two_requests_for_one_session_read_the_disk_once() {
    let rig = Rig::new(0).await;
    let guard = rig.create(10).await;
    rig.all_away().await;
    let stays = rig.depot.hold("put");
    let mut gate = rig.depot.hold("get");
    let (first, second) = (load(guard), change(guard, b"new"));
    let (first, second) = tokio::join!(rig.store.load(&first), async {
        gate.arrived().await;
        let second = rig.store.commit(&second);
        let opens = async {
            tokio::task::yield_now().await;
            drop(gate);
        };
        tokio::join!(second, opens).0
    });
    assert!(matches!(first.unwrap(), Loaded::Open(_)));
    assert!(matches!(second.unwrap(), Outcome::Committed(_)));
    assert_eq!(rig.depot.calls("get"), 1);
    drop(stays);
}

#[tokio::test]
async fn a_commit_that_comes_while_its_session_is_written_is_kept() {
    let rig = Rig::new(0).await;
    let mut gate = rig.depot.hold("put");
    let guard = rig.create(10).await;
    gate.arrived().await;
    assert_eq!(rig.set(guard, b"later").await.unwrap(), Version(2));
    drop(gate);
    rig.all_away().await;
    assert_eq!(&rig.open(guard).await.unwrap().attributes[0].value[..], b"later");
    rig.all_away().await;
    until(|| rig.depot.parcels() == 1).await;
}

#[tokio::test]
async fn a_session_that_ends_while_it_is_written_leaves_nothing() {
    let rig = Rig::new(0).await;
    let mut gate = rig.depot.hold("put");
    let guard = rig.create(10).await;
    gate.arrived().await;
    let ended = rig.store.invalidate(&Invalidate::Ticket(guard)).await.unwrap();
    assert!(matches!(ended, Invalidated::Done(ended) if ended.len() == 1));
    drop(gate);
    until(|| rig.depot.calls("remove") > 0 && rig.depot.parcels() == 0).await;
    assert!(rig.open(guard).await.is_none());
}

#[tokio::test]
async fn another_session_of_the_same_handle_is_not_given_the_values_of_the_first() {
    let rig = Rig::new(0).await;
    let mut gate = rig.depot.hold("put");
    let guard = rig.create(10).await;
    gate.arrived().await;
    let _ = rig.store.invalidate(&Invalidate::Ticket(guard)).await.unwrap();
    let again = cloakroom::core::Commit { guard, ..crate::support::create(10, None) };
    let again = cloakroom::core::Commit { changes: change(guard, &[9; 10]).changes, ..again };
    assert!(matches!(rig.store.commit(&again).await.unwrap(), Outcome::Committed(_)));
    drop(gate);
    rig.all_away().await;
    assert_eq!(&rig.open(guard).await.unwrap().attributes[0].value[..], &[9; 10]);
}

#[tokio::test]
async fn a_session_that_ends_while_it_is_read_stays_ended() {
    let rig = Rig::new(0).await;
    let guard = rig.create(10).await;
    rig.all_away().await;
    let mut gate = rig.depot.hold("get");
    let load = load(guard);
    let (loaded, _) = tokio::join!(rig.store.load(&load), async {
        gate.arrived().await;
        let _ = rig.store.invalidate(&Invalidate::Everyone).await.unwrap();
        drop(gate);
    });
    assert!(matches!(loaded.unwrap(), Loaded::Absent));
    assert!(rig.store.is_empty());
    until(|| rig.depot.parcels() == 0).await;
}

#[tokio::test]
async fn who_gives_up_waiting_for_the_disk_keeps_nobody_else_from_the_session() {
    let rig = Rig::new(0).await;
    let guard = rig.create(10).await;
    rig.all_away().await;
    let mut gate = rig.depot.hold("get");
    let load = load(guard);
    tokio::select! {
        _ = rig.store.load(&load) => panic!("the disk does not answer"),
        () = gate.arrived() => {}
    }
    drop(gate);
    assert!(rig.open(guard).await.is_some());
}

#[tokio::test]
async fn a_ticket_that_opens_nothing_does_not_make_the_disk_work() {
    let rig = Rig::new(0).await;
    let guard = rig.create(10).await;
    rig.all_away().await;
    let mut wrong = Ticket::generate().unwrap().guard();
    wrong.handle = guard.handle;
    assert!(matches!(rig.store.load(&load(wrong)).await.unwrap(), Loaded::Absent));
    assert!(matches!(rig.store.commit(&change(wrong, b"x")).await.unwrap(), Outcome::Gone(_)));
    let taken = cloakroom::core::Commit { guard: wrong, ..crate::support::create(1, None) };
    assert!(matches!(rig.store.commit(&taken).await.unwrap(), Outcome::Taken));
    rig.clock.advance(crate::support::INTERVAL);
    assert!(rig.open(guard).await.is_none(), "it has expired");
    assert_eq!(rig.depot.calls("get"), 0);
}

#[tokio::test]
async fn a_disk_that_cannot_be_read_is_an_error_and_loses_nothing() {
    let rig = Rig::new(0).await;
    let guard = rig.create(10).await;
    rig.all_away().await;
    rig.depot.fail("get", true);
    assert_eq!(rig.store.load(&load(guard)).await.unwrap_err().kind(), ErrorKind::Full);
    assert!(rig.store.commit(&change(guard, b"x")).await.is_err());
    rig.depot.fail("get", false);
    let opened = rig.open(guard).await.unwrap();
    assert_eq!((opened.meta.version, opened.attributes[0].value.len()), (Version(1), 10));
}

#[tokio::test]
async fn damage_to_one_session_is_told_and_harms_no_other() {
    let rig = Rig::new(0).await;
    let damaged = rig.create(10).await;
    rig.all_away().await;
    rig.depot.damage();
    let whole = rig.create(10).await;
    rig.all_away().await;
    assert_eq!(rig.store.load(&load(damaged)).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(rig.open(whole).await.is_some());
    let ended = rig.store.invalidate(&Invalidate::Ticket(damaged)).await.unwrap();
    assert!(matches!(ended, Invalidated::Done(ended) if ended[0].names.len() == 1));
}

#[tokio::test]
async fn nothing_on_disk_opens_a_session() {
    let rig = Rig::new(0).await;
    let ticket = Ticket::generate().unwrap();
    let commit = cloakroom::core::Commit { guard: ticket.guard(), ..crate::support::create(10, None) };
    assert!(matches!(rig.store.commit(&commit).await.unwrap(), Outcome::Committed(_)));
    rig.all_away().await;
    rig.store.stop().await.unwrap();
    let secret = {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&ticket.expose()[22..]).unwrap()
    };
    let disk = rig.depot.everything();
    assert!(!disk.is_empty());
    assert!(!disk.windows(16).any(|window| window == secret));
    assert!(disk.windows(32).any(|window| window == ticket.guard().proof.as_bytes()));
}
