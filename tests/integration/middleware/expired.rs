//! What expired is told once, before it is removed, and again where the server died meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cloakroom::core::ErrorKind as StoreError;
use cloakroom::{EndReason, MemoryStore, Session, SessionEvent, SessionListener};
use cloakroom_testkit::ManualClock;
use cloakroom_testkit::faulty::{Fault, Moment, Operation};
use http::StatusCode;

use super::ear::Ear;
use super::log::logged;
use super::rig::Rig;

const HOUR: Duration = Duration::from_secs(60 * 60);
const LEASE: Duration = Duration::from_secs(60);

/// Makes a layer with this listener over a store in which so many sessions have expired.
async fn expired(number: usize, listener: impl SessionListener) -> (Rig, ManualClock) {
    let clock = ManualClock::default();
    let rig = Rig::on_clock(&clock, |layer| layer.listener(listener));
    for _ in 0..number {
        fill(&rig).await;
    }
    rig.layer.settled().await;
    clock.advance(HOUR);
    rig.faults.forget_calls();
    (rig, clock)
}

async fn fill(rig: &Rig) {
    let fills = |session: Session| async move {
        session.set_named("cart", &7)?;
        session.set_named("theme", "dark")?;
        Ok(StatusCode::OK)
    };
    rig.run(None, fills).await.is(200).ticket();
}

fn expirations(ear: &Ear) -> usize {
    ear.story().iter().filter(|event| *event == "expired").count()
}

#[tokio::test]
async fn it_is_told_with_its_names_and_the_values_that_were_asked_for() {
    let ear = Ear::wanting(&["cart", "nothing", "\n"]);
    let (rig, _) = expired(1, ear.clone()).await;
    assert_eq!(rig.layer.sweeper().sweep().await.unwrap(), 1);
    let heard = ear.heard();
    let SessionEvent::Expired(session, reason) = &heard[1] else { panic!("{heard:?}") };
    assert_eq!(*reason, EndReason::Inactive);
    assert_eq!(session.handle(), heard[0].session().unwrap().handle());
    assert_eq!(session.created_at(), heard[0].session().unwrap().created_at());
    assert_eq!(
        session.attribute_names().iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        ["cart", "theme"]
    );
    assert_eq!(session.get_named::<i64>("cart").unwrap(), Some(7));
    assert_eq!(session.get_named::<String>("theme").unwrap(), None, "nobody asked for it");
    session.get_named::<bool>("cart").unwrap_err();
    assert!(rig.memory.is_empty());
}

/// Looks into the store whenever it hears something.
struct Looks {
    store: MemoryStore,
    seen: Arc<AtomicUsize>,
}

impl SessionListener for Looks {
    async fn heard(&self, event: &SessionEvent) {
        if event.name() == "expired" {
            self.seen.fetch_add(self.store.len(), Ordering::SeqCst);
        }
    }
}

#[tokio::test]
async fn it_is_removed_after_the_listeners_have_returned() {
    let (before, _) = expired(3, Ear::new()).await;
    let seen = Arc::default();
    let looks = Looks { store: before.memory.clone(), seen: Arc::clone(&seen) };
    let rig = before.node_with(|layer| layer.listener(looks));
    assert_eq!(rig.layer.sweeper().batch(2).sweep().await.unwrap(), 3);
    assert_eq!(seen.load(Ordering::SeqCst), 3 + 3 + 1);
    assert_eq!(rig.faults.count(Operation::Acknowledge), 2);
    assert!(rig.memory.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_sweepers_one_tells_of_each() {
    let ear = Ear::new();
    let (rig, _) = expired(300, ear.clone()).await;
    let sweeps = (0..4).map(|_| {
        let node = rig.node_with(|layer| layer.listener(ear.clone()));
        tokio::spawn(async move { node.layer.sweeper().sweep().await.unwrap() })
    });
    let mut removed = 0;
    for sweep in sweeps.collect::<Vec<_>>() {
        removed += sweep.await.unwrap();
    }
    assert_eq!((removed, expirations(&ear)), (300, 300));
    assert!(rig.memory.is_empty());
}

#[tokio::test]
async fn it_is_told_again_where_the_server_died_before_it_was_removed() {
    let ear = Ear::new();
    let (rig, clock) = expired(1, ear.clone()).await;
    let gate = rig.faults.hold(Operation::Acknowledge, Moment::Before);
    let sweeper = rig.layer.sweeper();
    let mut dies = Box::pin(sweeper.sweep());
    tokio::select! {
        _ = &mut dies => unreachable!(),
        () = gate.arrived() => {}
    }
    drop(dies);
    let other = rig.node_with(|layer| layer.listener(ear.clone()));
    assert_eq!(other.layer.sweeper().sweep().await.unwrap(), 0, "it is claimed");
    assert_eq!(expirations(&ear), 1);
    clock.advance(LEASE);
    assert_eq!(other.layer.sweeper().sweep().await.unwrap(), 1);
    assert_eq!(expirations(&ear), 2, "at least once");
    assert!(rig.memory.is_empty());
}

#[tokio::test]
async fn it_is_told_once_though_the_store_fails_to_remove_it() {
    let ear = Ear::new();
    let (rig, clock) = expired(2, ear.clone()).await;
    rig.faults.inject_times(Operation::Acknowledge, 2, Fault::Fail(StoreError::Unavailable));
    let sweeper = rig.layer.sweeper();
    for _ in 0..2 {
        sweeper.sweep().await.unwrap_err();
        clock.advance(LEASE);
    }
    assert_eq!(sweeper.sweep().await.unwrap(), 2);
    assert_eq!(expirations(&ear), 2);
    assert!(rig.memory.is_empty());
}

/// Fails the first few times that it is told of something expired.
struct FailsAtFirst {
    left: AtomicUsize,
    ear: Ear,
}

impl SessionListener for FailsAtFirst {
    async fn heard(&self, event: &SessionEvent) {
        SessionListener::heard(&self.ear, event).await;
        if event.name() == "expired"
            && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            panic!("as it must");
        }
    }
}

#[tokio::test]
async fn a_listener_that_fails_is_told_again_when_the_claim_has_lapsed() {
    let ear = Ear::new();
    let (rig, clock) = expired(1, FailsAtFirst { left: AtomicUsize::new(1), ear: ear.clone() }).await;
    let sweeper = rig.layer.sweeper();
    assert_eq!(sweeper.sweep().await.unwrap(), 0);
    assert_eq!(sweeper.sweep().await.unwrap(), 0, "not at once");
    clock.advance(LEASE);
    assert_eq!(sweeper.sweep().await.unwrap(), 1);
    assert_eq!(expirations(&ear), 2);
    assert!(rig.memory.is_empty());
}

#[tokio::test]
async fn a_listener_that_always_fails_does_not_keep_the_session_for_ever() {
    let ear = Ear::new();
    let (rig, clock) =
        expired(1, FailsAtFirst { left: AtomicUsize::new(usize::MAX), ear: ear.clone() }).await;
    let sweeper = rig.layer.sweeper();
    let sweeps = async {
        for expected in [0, 0, 1] {
            assert_eq!(sweeper.sweep().await.unwrap(), expected);
            clock.advance(LEASE);
        }
    };
    let (log, ()) = logged(sweeps).await;
    assert_eq!(expirations(&ear), 3);
    assert!(rig.memory.is_empty());
    assert!(log.contains("ERROR") && log.contains("a listener failed each time"), "{log}");
}

/// Takes its time for what has expired.
struct Dawdles(Ear);

impl SessionListener for Dawdles {
    async fn heard(&self, event: &SessionEvent) {
        if event.name() == "expired" {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        SessionListener::heard(&self.0, event).await;
    }
}

/// A claim is for a minute: nobody tells of a session whose claim may have lapsed.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_told_in_half_the_claim_is_left_to_others() {
    let ear = Ear::new();
    let (rig, clock) = expired(40, Dawdles(ear.clone())).await;
    let sweeper = rig.layer.sweeper();
    assert_eq!(sweeper.sweep().await.unwrap(), 15);
    clock.advance(LEASE);
    let other = rig.node_with(|layer| layer.listener(ear.clone()));
    assert_eq!(other.layer.sweeper().sweep().await.unwrap(), 25);
    assert_eq!(expirations(&ear), 40);
}

#[tokio::test(start_paused = true)]
async fn each_turn_tells_its_lag() {
    let (rig, _) = expired(1, Ear::new()).await;
    rig.faults.inject_times(Operation::Sweep, 1, Fault::Fail(StoreError::Unavailable));
    let sweeper = rig.layer.sweeper().every(Duration::from_secs(100));
    let (log, ()) = logged(sweeper.run_until(rig.faults.called(Operation::Acknowledge, 1))).await;
    let lags: Vec<u64> = log
        .lines()
        .filter_map(|line| line.split("lag_ms=").nth(1))
        .map(|rest| rest.split(' ').next().unwrap().parse().unwrap())
        .collect();
    assert!((80_000..=120_000).contains(&lags[0]), "{log}");
}

/// Fails if it is told of something while it still hears something else.
#[derive(Clone, Default)]
struct OneAtATime {
    inside: Arc<AtomicUsize>,
    overlaps: Arc<AtomicUsize>,
}

impl SessionListener for OneAtATime {
    async fn heard(&self, _: &SessionEvent) {
        self.overlaps.fetch_add(self.inside.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_listener_hears_one_event_at_a_time_whoever_tells() {
    let listener = OneAtATime::default();
    let (rig, _) = expired(20, listener.clone()).await;
    let sweeper = rig.layer.sweeper();
    let fills = async {
        for _ in 0..20 {
            fill(&rig).await;
            tokio::task::yield_now().await;
        }
    };
    let (swept, ()) = tokio::join!(sweeper.sweep(), fills);
    assert_eq!(swept.unwrap(), 20);
    rig.layer.settled().await;
    assert_eq!(listener.overlaps.load(Ordering::SeqCst), 0);
}
