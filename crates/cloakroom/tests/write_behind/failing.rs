//! Stores that fail for a while, or for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cloakroom::WriteBehind;
use cloakroom::core::{
    About, Commit, Ended, Error, ErrorKind, Feed, Handle, Intent, Invalidate, Invalidated, Load, Loaded,
    Outcome, Principal, SessionInfo, Store, Sweep,
};
use cloakroom_testkit::faulty::{Fault, Operation};
use cloakroom_testkit::{ManualClock, ReferenceStore};

use crate::support::{EVERY, INTERVAL, Rig, committed, is, load, seen, set};
use crate::timing::Timed;

#[tokio::test]
async fn what_cannot_be_written_is_kept() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    rig.faults.inject(Operation::Commit, Fault::Fail(ErrorKind::Unavailable));
    for _ in 0..3 {
        assert_eq!(rig.node.flush().await.unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(rig.node.held_sessions(), 1);
    }
    assert_eq!(committed(rig.node.commit(&set(&ticket, "a", "2")).await).version.0, 3);
    rig.faults.clear(Operation::Commit);
    rig.node.flush().await.unwrap();
    assert_eq!(rig.stored(&ticket).await, is(3, "2"));
}

#[tokio::test]
async fn one_session_that_fails_holds_up_no_other() {
    let rig = Rig::new();
    let tickets = [rig.held().await, rig.held().await, rig.held().await];
    rig.faults.inject_times(Operation::Commit, 1, Fault::Fail(ErrorKind::Corrupt));
    rig.node.flush().await.unwrap_err();
    assert_eq!(rig.node.held_sessions(), 1);
    let mut written = 0;
    for ticket in &tickets {
        written += usize::from(rig.stored(ticket).await == is(2, "1"));
    }
    assert_eq!(written, 2);
}

#[tokio::test]
async fn what_the_store_does_not_take_is_given_up_when_its_session_would_have_ended() {
    let rig = Rig::new();
    let ticket = rig.held().await;
    rig.faults.inject(Operation::Commit, Fault::Fail(ErrorKind::Unavailable));
    rig.clock.advance(INTERVAL - Duration::from_millis(1));
    rig.node.flush().await.unwrap_err();
    assert_eq!(rig.node.held_sessions(), 1);
    rig.clock.advance(Duration::from_millis(1));
    rig.node.flush().await.unwrap_err();
    assert_eq!(rig.node.held_sessions(), 0);
    rig.faults.clear(Operation::Commit);
    assert_eq!(rig.sees(&ticket).await, None);
}

#[tokio::test(start_paused = true)]
async fn it_is_tried_again_until_the_store_is_back() {
    let timed = Timed::new();
    let ticket = timed.held().await;
    timed.faults.inject(Operation::Commit, Fault::Fail(ErrorKind::Unavailable));
    tokio::time::sleep(EVERY * 3).await;
    let tries = timed.faults.count(Operation::Commit);
    assert!((3..40).contains(&tries), "{tries}: again and again, but not all the time");
    timed.faults.clear(Operation::Commit);
    tokio::time::sleep(EVERY * 2).await;
    assert_eq!(timed.node.held_sessions(), 0);
    assert_eq!(seen(load(&timed.store, &ticket).await.unwrap()), is(2, "1"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_tried_again() {
    let timed = Timed::new();
    let ticket = timed.held().await;
    timed.faults.inject_times(Operation::Commit, 2, Fault::Hang);
    tokio::time::sleep(EVERY * 4).await;
    assert_eq!(seen(load(&timed.store, &ticket).await.unwrap()), is(2, "1"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_write_loses_nothing() {
    let store = ReferenceStore::new(ManualClock::default());
    let panics = Arc::new(AtomicU32::new(0));
    let panicking = Panicking { inner: store.clone(), panics: Arc::clone(&panics) };
    let node = WriteBehind::builder(panicking).every(EVERY).build();
    let ticket = crate::support::create(&node).await;
    committed(node.commit(&set(&ticket, "a", "1")).await);
    panics.store(2, Ordering::SeqCst);
    node.flush().await.unwrap_err();
    assert_eq!(node.held_sessions(), 1);
    tokio::time::sleep(EVERY * 2).await;
    assert_eq!(panics.load(Ordering::SeqCst), 0, "the background task has had one");
    assert_eq!(node.held_sessions(), 0);
    assert_eq!(seen(load(&store, &ticket).await.unwrap()), is(2, "1"));
}

#[tokio::test(start_paused = true)]
async fn a_flush_to_a_store_that_is_away_ends_soon_and_loses_nothing() {
    let timed = Timed::new();
    let mut tickets = Vec::new();
    for _ in 0..500 {
        tickets.push(timed.held().await);
    }
    timed.faults.inject(Operation::Commit, Fault::Hang);
    let began = tokio::time::Instant::now();
    timed.node.flush().await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(timed.node.held_sessions(), 500);
    timed.faults.clear(Operation::Commit);
    timed.node.flush().await.unwrap();
    for ticket in &tickets {
        assert_eq!(seen(load(&timed.store, ticket).await.unwrap()), is(2, "1"));
    }
}

/// Panics in the next few changes.
struct Panicking {
    inner: ReferenceStore,
    panics: Arc<AtomicU32>,
}

impl Store for Panicking {
    fn about(&self) -> About {
        self.inner.about()
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        self.inner.load(load).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let left = |panics: u32| panics.checked_sub(1);
        let is_change = matches!(commit.intent, Intent::Change);
        if is_change && self.panics.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
            panic!("a store that panics, as it was told to");
        }
        self.inner.commit(commit).await
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        self.inner.invalidate(invalidate).await
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        self.inner.sessions_of(principal).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        self.inner.sweep(sweep).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        self.inner.acknowledge(handles).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.inner.ping().await
    }

    fn feed(&self) -> Option<Feed> {
        self.inner.feed()
    }
}
