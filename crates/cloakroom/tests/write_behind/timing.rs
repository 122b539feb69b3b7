//! When what is held back is written, and what that means for when sessions end. The node and the store go by tokio's clock.

use std::time::Duration;

use cloakroom::WriteBehind;
use cloakroom::core::{
    Changes, Clock, Commit, Creation, ErrorKind, Intent, Select, Store as _, Sweep, Ticket, Timestamp, Wanted,
};
use cloakroom_testkit::ReferenceStore;
use cloakroom_testkit::faulty::{Fault, Faults, Faulty, Moment, Operation};
use tokio::time::{Instant, sleep};

use crate::support::{EVERY, Held, change, committed, create, is, load, opened, seen, set};

#[derive(Debug)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000).plus(self.0.elapsed())
    }
}

pub(crate) struct Timed {
    pub(crate) node: Held,
    pub(crate) faults: Faults,
    pub(crate) store: ReferenceStore,
}

impl Timed {
    pub(crate) fn new() -> Self {
        let store = ReferenceStore::new(TokioClock(Instant::now()));
        let faulty = Faulty::new(store.clone());
        let faults = faulty.faults();
        Self { node: WriteBehind::builder(faulty).every(EVERY).build(), faults, store }
    }

    pub(crate) async fn held(&self) -> Ticket {
        let ticket = create(&self.node).await;
        assert_eq!(committed(self.node.commit(&set(&ticket, "a", "1")).await).version.0, 2);
        ticket
    }

    /// Makes a session that ends so long after its last access.
    async fn brief(&self, interval: Duration) -> Ticket {
        let ticket = Ticket::generate().unwrap();
        let creation = Creation { max_inactive_interval: interval, max_lifetime: None, bind: None };
        let create = Commit { intent: Intent::Create(creation), ..set(&ticket, "a", "0") };
        committed(self.node.commit(&create).await);
        ticket
    }

    fn written(&self) -> usize {
        self.faults.count(Operation::Commit)
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_written_within_the_interval_and_the_access_is_that_of_the_commit() {
    let timed = Timed::new();
    let ticket = timed.held().await;
    let made = TokioClock(Instant::now()).now();
    assert_eq!(timed.written(), 1);
    sleep(EVERY / 2 - Duration::from_millis(5)).await;
    assert_eq!(timed.written(), 1, "not before half of the interval");
    sleep(EVERY / 2 + Duration::from_millis(10)).await;
    let stored = opened(load(&timed.store, &ticket).await.unwrap());
    assert_eq!((stored.meta.version.0, stored.meta.accessed_at), (2, made));
    sleep(EVERY * 3).await;
    assert_eq!(timed.written(), 2, "once");
}

#[tokio::test(start_paused = true)]
async fn sessions_that_were_created_together_are_not_written_together() {
    let timed = Timed::new();
    for _ in 0..100 {
        timed.held().await;
    }
    sleep(EVERY * 3 / 4).await;
    let early = timed.written() - 100;
    assert!((10..90).contains(&early), "{early} of 100 by three quarters of the interval");
    sleep(EVERY / 4 + Duration::from_millis(10)).await;
    assert_eq!(timed.written(), 200);
}

#[tokio::test(start_paused = true)]
async fn many_commits_are_one_write() {
    let timed = Timed::new();
    let ticket = create(&timed.node).await;
    for round in 1..=100 {
        committed(timed.node.commit(&set(&ticket, "a", &round.to_string())).await);
        sleep(EVERY / 10).await;
    }
    sleep(EVERY).await;
    assert_eq!(seen(load(&timed.store, &ticket).await.unwrap()), is(101, "100"));
    let writes = timed.written() - 1;
    assert!((10..=20).contains(&writes), "{writes} in ten intervals");
}

#[tokio::test(start_paused = true)]
async fn it_is_never_held_back_for_more_than_a_tenth_of_the_sessions_own_interval() {
    let timed = Timed::new();
    let ticket = timed.brief(EVERY).await;
    committed(timed.node.commit(&set(&ticket, "a", "1")).await);
    sleep(EVERY / 10 + Duration::from_millis(10)).await;
    assert_eq!(seen(load(&timed.store, &ticket).await.unwrap()), is(2, "1"));
}

#[tokio::test(start_paused = true)]
async fn near_the_end_of_a_session_nothing_is_held_back() {
    let timed = Timed::new();
    let ticket = timed.brief(EVERY).await;
    sleep(EVERY * 9 / 10).await;
    committed(timed.node.commit(&set(&ticket, "a", "1")).await);
    assert_eq!(seen(load(&timed.store, &ticket).await.unwrap()), is(2, "1"));
    sleep(EVERY * 9 / 10).await;
    assert!(seen(load(&timed.node, &ticket).await.unwrap()).is_some(), "it counts as an access");
}

#[tokio::test(start_paused = true)]
async fn an_access_that_could_not_be_written_in_time_still_counts() {
    let timed = Timed::new();
    let ticket = timed.brief(EVERY).await;
    sleep(EVERY / 2).await;
    let gate = timed.faults.hold(Operation::Commit, Moment::Before);
    committed(timed.node.commit(&set(&ticket, "a", "1")).await);
    sleep(EVERY * 6 / 10).await;
    assert_eq!(seen(load(&timed.store, &ticket).await.unwrap()), None, "as far as the store knows");
    gate.open();
    let swept = timed.node.sweep(&Sweep { limit: 10, lease: None, select: everything() }).await.unwrap();
    assert!(swept.is_empty(), "{swept:?}");
    assert_eq!(seen(load(&timed.node, &ticket).await.unwrap()), is(2, "1"));
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_handed_out_with_what_was_held_back() {
    let timed = Timed::new();
    let ticket = timed.brief(EVERY).await;
    let gate = timed.faults.hold_next(Operation::Commit, Moment::Before);
    committed(timed.node.commit(&set(&ticket, "b", "1")).await);
    committed(timed.node.commit(&change(&ticket, Changes::default())).await);
    sleep(EVERY * 2).await;
    gate.open();
    let swept = timed.node.sweep(&Sweep { limit: 10, lease: None, select: everything() }).await.unwrap();
    let names: Vec<_> = swept[0].names.iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_that_is_dropped_has_all_written() {
    let timed = Timed::new();
    let ticket = timed.held().await;
    let Timed { node, faults, store } = timed;
    let other = node.clone();
    drop(node);
    tokio::task::yield_now().await;
    assert_eq!(faults.count(Operation::Commit), 1, "there is another handle");
    drop(other);
    faults.called(Operation::Commit, 2).await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(seen(load(&store, &ticket).await.unwrap()), is(2, "1"));
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_that_is_dropped_has_it_tried_again_while_the_store_is_away() {
    let timed = Timed::new();
    let ticket = timed.held().await;
    let Timed { node, faults, store } = timed;
    faults.inject(Operation::Commit, Fault::Fail(ErrorKind::Unavailable));
    drop(node);
    sleep(Duration::from_secs(3)).await;
    assert_eq!(seen(load(&store, &ticket).await.unwrap()), is(1, "0"));
    faults.clear(Operation::Commit);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(seen(load(&store, &ticket).await.unwrap()), is(2, "1"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_away_is_not_tried_for_ever_when_the_last_handle_is_dropped() {
    let timed = Timed::new();
    let ticket = timed.held().await;
    let Timed { node, faults, store } = timed;
    faults.inject(Operation::Commit, Fault::Fail(ErrorKind::Unavailable));
    drop(node);
    sleep(Duration::from_secs(10)).await;
    faults.clear(Operation::Commit);
    sleep(Duration::from_secs(100)).await;
    assert_eq!(seen(load(&store, &ticket).await.unwrap()), is(1, "0"));
}

#[tokio::test(start_paused = true)]
async fn what_was_looked_at_long_ago_is_not_decided_on() {
    let timed = Timed::new();
    let ticket = create(&timed.node).await;
    sleep(Duration::from_secs(31)).await;
    committed(timed.node.commit(&set(&ticket, "a", "1")).await);
    assert_eq!(seen(load(&timed.store, &ticket).await.unwrap()), is(2, "1"));
}

fn everything() -> Select {
    Select { values: Wanted::Everything, names: true }
}
