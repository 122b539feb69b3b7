//! A disk that fails or is slow: memory grows, to the hard bound and no further.

use std::time::Duration;

use cloakroom::core::{Edit, ErrorKind, Gone, Guard, Invalidate, Outcome, Store};

use crate::support::{Rig, change, create, until};

#[tokio::test]
async fn a_failing_disk_keeps_sessions_in_memory_and_they_go_when_it_works_again() {
    let rig = Rig::bounded(20_000, 1_000_000).await;
    rig.depot.fail("put", true);
    let mut guards = Vec::new();
    for _ in 0..20 {
        guards.push(rig.create(10_000).await);
    }
    until(|| rig.store.is_failing()).await;
    assert_eq!(rig.store.passivated(), 0);
    assert!(rig.store.bytes() > 200_000);
    rig.store.ping().await.unwrap();
    for guard in &guards {
        rig.set(*guard, b"still written").await.unwrap();
        rig.set(*guard, &[7; 10_000]).await.unwrap();
    }
    rig.depot.fail("put", false);
    until(|| rig.store.bytes() < 40_000).await;
    until(|| !rig.store.is_failing()).await;
    for guard in guards {
        assert_eq!(rig.open(guard).await.unwrap().attributes[0].value.len(), 10_000);
    }
}

#[tokio::test]
async fn a_depot_that_panics_keeps_sessions_in_memory_and_they_go_when_it_works_again() {
    let rig = Rig::bounded(20_000, 100_000).await;
    rig.depot.panic("put", true);
    let filling = async {
        loop {
            if let Err(error) = rig.store.commit(&create(10_000, None)).await {
                break error;
            }
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(60), filling).await.unwrap();
    assert_eq!(refused.kind(), ErrorKind::Full);
    assert!(rig.store.is_failing());
    assert_eq!(rig.store.passivated(), 0);
    rig.depot.panic("put", false);
    until(|| rig.store.bytes() < 40_000).await;
    until(|| !rig.store.is_failing()).await;
    rig.create(10_000).await;
    rig.store.stop().await.unwrap();
}

#[tokio::test]
async fn at_the_hard_bound_of_a_failing_disk_what_grows_is_refused_and_nothing_dropped() {
    let rig = Rig::bounded(20_000, 50_000).await;
    rig.depot.fail("put", true);
    let mut guards = Vec::new();
    let refused = loop {
        let commit = create(10_000, None);
        match rig.store.commit(&commit).await {
            Ok(outcome) => assert!(matches!(outcome, Outcome::Committed(_))),
            Err(error) => break error,
        }
        guards.push(commit.guard);
    };
    assert_eq!(refused.kind(), ErrorKind::Full);
    assert!(std::error::Error::source(&refused).unwrap().to_string().contains("the disk fails"));
    assert!(rig.store.bytes() <= 50_000);
    assert_eq!(rig.store.len(), 4);

    assert!(rig.store.commit(&change(guards[0], &[7; 20_000])).await.is_err(), "this would grow");
    rig.set(guards[0], &[8; 10_000]).await.unwrap();
    let mut remove = change(guards[1], b"");
    remove.changes.attributes[0].edit = Edit::Remove;
    assert!(matches!(rig.store.commit(&remove).await.unwrap(), Outcome::Committed(_)));
    for guard in &guards {
        assert!(rig.open(*guard).await.is_some());
    }
    let _ = rig.store.invalidate(&Invalidate::Ticket(guards[2])).await.unwrap();
    rig.create(10_000).await;

    rig.depot.fail("put", false);
    until(|| !rig.store.is_failing()).await;
    rig.create(10_000).await;
    assert_eq!(rig.open(guards[0]).await.unwrap().attributes[0].value[..], [8; 10_000]);
}

#[tokio::test]
async fn at_the_hard_bound_what_opens_no_session_is_told_so() {
    let rig = Rig::bounded(20_000, 50_000).await;
    rig.depot.fail("put", true);
    let guard = rig.create(10_000).await;
    while rig.store.commit(&create(10_000, None)).await.is_ok() {}
    let nobodys = create(10, None).guard;
    let forged = Guard { handle: guard.handle, ..nobodys };
    for guard in [nobodys, forged] {
        let outcome = rig.store.commit(&change(guard, &[7; 20_000])).await.unwrap();
        assert!(matches!(outcome, Outcome::Gone(Gone::Absent)), "{outcome:?}");
    }
    assert!(rig.store.commit(&change(guard, &[7; 20_000])).await.is_err(), "this would grow");
}

#[tokio::test]
async fn at_the_hard_bound_of_a_slow_disk_a_commit_waits() {
    let rig = Rig::bounded(20_000, 50_000).await;
    let mut gate = rig.depot.hold("put");
    for _ in 0..4 {
        rig.create(10_000).await;
    }
    gate.arrived().await;
    let commit = create(10_000, None);
    {
        let mut waiting = std::pin::pin!(rig.store.commit(&commit));
        tokio::select! {
            biased;
            answer = &mut waiting => panic!("there is no room: {answer:?}"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(rig.store.len(), 4);
        drop(gate);
        assert!(matches!(waiting.await.unwrap(), Outcome::Committed(_)));
    }
    assert_eq!(rig.store.len(), 5);
    assert!(rig.store.bytes() <= 50_000);
}

#[tokio::test]
async fn what_stays_of_sessions_on_disk_is_bounded_too() {
    let rig = Rig::bounded(2_000, 10_000).await;
    let mut made = 0;
    let refused = loop {
        match rig.store.commit(&create(1_000, None)).await {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
        assert!(rig.store.bytes() <= 10_000);
    };
    assert_eq!(refused.kind(), ErrorKind::Full);
    assert!(std::error::Error::source(&refused).unwrap().to_string().contains("all that can be"));
    assert_eq!(rig.store.len(), made);
    rig.clock.advance(crate::support::INTERVAL);
    rig.create(1_000).await;
    assert!(rig.store.len() <= made, "expired sessions made room");
}

#[tokio::test]
async fn one_session_that_is_larger_than_all_memory_is_refused() {
    let rig = Rig::bounded(1_000, 2_000).await;
    assert_eq!(rig.store.commit(&create(3_000, None)).await.unwrap_err().kind(), ErrorKind::Full);
    assert!(rig.store.is_empty());
}

#[tokio::test]
async fn new_sessions_beyond_the_number_allowed_are_refused_and_none_is_dropped() {
    let depot = crate::depot::TestDepot::default();
    let store = cloakroom::MemoryStore::builder().max_sessions(3).passivate_to(depot).open().await.unwrap();
    let commits: Vec<_> = (0..4).map(|_| create(10, None)).collect();
    for commit in &commits[..3] {
        assert!(matches!(store.commit(commit).await.unwrap(), Outcome::Committed(_)));
    }
    assert_eq!(store.commit(&commits[3]).await.unwrap_err().kind(), ErrorKind::Full);
    assert!(matches!(store.commit(&commits[0]).await.unwrap(), Outcome::Committed(_)), "a retry is not new");
    assert_eq!(store.len(), 3);
}

#[tokio::test]
async fn parcels_that_cannot_be_removed_are_removed_later() {
    let rig = Rig::new(0).await;
    let guard = rig.create(10).await;
    rig.all_away().await;
    rig.depot.fail("remove", true);
    let _ = rig.store.invalidate(&Invalidate::Ticket(guard)).await.unwrap();
    until(|| rig.store.is_failing()).await;
    assert_eq!(rig.depot.parcels(), 1);
    rig.depot.fail("remove", false);
    until(|| rig.depot.parcels() == 0).await;
}
