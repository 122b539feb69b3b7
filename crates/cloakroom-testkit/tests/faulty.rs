//! A faulty store does what it is told, and without orders it is the store that it wraps.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{
    Changes, Commit, CommitId, Creation, ErrorKind, Freshness, Intent, Limits, Load, Loaded, Outcome, Select,
    Store, Ticket, Touch,
};
use cloakroom_testkit::ReferenceStore;
use cloakroom_testkit::faulty::{Call, Fault, Faulty, Moment, Operation};
use tokio::task::JoinHandle;

type Subject = Arc<Faulty<ReferenceStore>>;

fn subject() -> Subject {
    Arc::new(Faulty::new(ReferenceStore::default()))
}

fn create(ticket: &Ticket) -> Commit {
    Commit {
        id: CommitId::generate().expect("random bytes"),
        guard: ticket.guard(),
        intent: Intent::Create(Creation {
            max_inactive_interval: Duration::from_secs(60),
            max_lifetime: None,
            bind: None,
        }),
        changes: Changes::default(),
        limits: Limits::default(),
        age: Duration::ZERO,
        stands_for: NonZeroU32::MIN,
    }
}

async fn is_there(store: &Subject, ticket: &Ticket) -> bool {
    let load = Load {
        guard: ticket.guard(),
        select: Select::default(),
        touch: Touch::Never,
        freshness: Freshness::Any,
    };
    matches!(store.load(&load).await, Ok(Loaded::Open(_)))
}

fn commit(store: &Subject, commit: Commit) -> JoinHandle<Result<Outcome, cloakroom_core::Error>> {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.commit(&commit).await })
}

#[tokio::test]
async fn a_failed_operation_is_not_applied() {
    let (store, ticket) = (subject(), Ticket::generate().unwrap());
    store.faults().inject(Operation::Commit, Fault::Fail(ErrorKind::Full));
    for _ in 0..2 {
        let error = store.commit(&create(&ticket)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Full);
        assert!(error.to_string().contains("commit"), "{error}");
    }
    assert!(!is_there(&store, &ticket).await, "loads are not meant");
    store.faults().clear(Operation::Commit);
    assert!(matches!(store.commit(&create(&ticket)).await, Ok(Outcome::Committed(_))));
}

#[tokio::test]
async fn a_lost_answer_was_applied() {
    let (store, ticket) = (subject(), Ticket::generate().unwrap());
    let lost = Fault::LoseAnswer(ErrorKind::Unavailable);
    store.faults().inject_times(Operation::Commit, 1, lost);
    let create = create(&ticket);
    assert!(store.commit(&create).await.unwrap_err().is_transient());
    assert!(is_there(&store, &ticket).await);
    assert!(matches!(store.commit(&create).await, Ok(Outcome::Committed(_))));
}

#[tokio::test]
async fn faults_strike_in_their_order_and_as_often_as_told() {
    let store = subject();
    let faults = store.faults();
    faults.inject_times(Operation::Ping, 2, Fault::Fail(ErrorKind::Unavailable));
    faults.inject_times(Operation::Ping, 0, Fault::Hang);
    faults.inject_times(Operation::Ping, 1, Fault::Fail(ErrorKind::Refused));
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(store.ping().await.err().map(|error| error.kind()));
    }
    let unavailable = Some(ErrorKind::Unavailable);
    assert_eq!(seen, [unavailable, unavailable, Some(ErrorKind::Refused), None]);
}

#[tokio::test(start_paused = true)]
async fn a_delay_goes_by_tokios_clock() {
    let (store, ticket) = (subject(), Ticket::generate().unwrap());
    let faults = store.faults();
    faults.inject(Operation::Commit, Fault::Delay(Duration::from_secs(3600)));
    let delayed = commit(&store, create(&ticket));
    faults.called(Operation::Commit, 1).await;
    tokio::time::sleep(Duration::from_secs(3599)).await;
    assert!(!is_there(&store, &ticket).await);
    assert!(matches!(delayed.await.unwrap(), Ok(Outcome::Committed(_))));
}

#[tokio::test(start_paused = true)]
async fn what_hangs_is_never_answered() {
    for (fault, is_applied) in [(Fault::Hang, false), (Fault::HangApplied, true)] {
        let (store, ticket) = (subject(), Ticket::generate().unwrap());
        store.faults().inject(Operation::Commit, fault);
        let create = create(&ticket);
        let answer = tokio::time::timeout(Duration::from_secs(3600), store.commit(&create)).await;
        assert!(answer.is_err(), "{fault:?}");
        assert_eq!(is_there(&store, &ticket).await, is_applied, "{fault:?}");
    }
}

#[tokio::test]
async fn a_gate_before_holds_what_is_not_applied() {
    let (store, ticket) = (subject(), Ticket::generate().unwrap());
    let gate = store.faults().hold(Operation::Commit, Moment::Before);
    let held = commit(&store, create(&ticket));
    gate.arrived().await;
    assert!(!is_there(&store, &ticket).await);
    assert!(!held.is_finished());
    gate.open();
    assert!(matches!(held.await.unwrap(), Ok(Outcome::Committed(_))));
}

#[tokio::test]
async fn a_gate_after_holds_what_was_applied() {
    let (store, ticket) = (subject(), Ticket::generate().unwrap());
    let gate = store.faults().hold(Operation::Commit, Moment::After);
    let held = commit(&store, create(&ticket));
    gate.arrived().await;
    assert!(is_there(&store, &ticket).await);
    assert!(!held.is_finished());
    drop(gate);
    assert!(matches!(held.await.unwrap(), Ok(Outcome::Committed(_))));
}

#[tokio::test]
async fn a_gate_lets_as_many_pass_as_it_is_told() {
    let store = subject();
    let gate = store.faults().hold(Operation::Commit, Moment::Before);
    let tickets: Vec<_> = (0..3).map(|_| Ticket::generate().unwrap()).collect();
    let mut held: Vec<_> = tickets.iter().map(|ticket| commit(&store, create(ticket))).collect();
    gate.arrivals(3).await;
    gate.let_pass(1);
    let (first, _, others) = futures_util::future::select_all(held.drain(..)).await;
    assert!(matches!(first.unwrap(), Ok(Outcome::Committed(_))));
    let mut there = 0;
    for ticket in &tickets {
        there += usize::from(is_there(&store, ticket).await);
    }
    assert_eq!(there, 1);
    gate.open();
    for other in others {
        assert!(matches!(other.await.unwrap(), Ok(Outcome::Committed(_))));
    }
}

#[tokio::test]
async fn the_next_alone_can_be_held() {
    let (store, ticket) = (subject(), Ticket::generate().unwrap());
    let gate = store.faults().hold_next(Operation::Commit, Moment::Before);
    let held = commit(&store, create(&ticket));
    gate.arrived().await;
    let other = Ticket::generate().unwrap();
    assert!(matches!(store.commit(&create(&other)).await, Ok(Outcome::Committed(_))));
    assert!(!held.is_finished());
    gate.open();
    assert!(matches!(held.await.unwrap(), Ok(Outcome::Committed(_))));
}

#[tokio::test]
async fn every_call_is_recorded() {
    let (store, ticket) = (subject(), Ticket::generate().unwrap());
    let faults = store.faults();
    let create = create(&ticket);
    assert!(store.commit(&create).await.is_ok());
    is_there(&store, &ticket).await;
    store.ping().await.unwrap();
    let calls = faults.calls();
    assert!(matches!(&calls[0], Call::Commit(commit) if commit.id == create.id));
    assert!(matches!(&calls[1], Call::Load(load) if load.guard == ticket.guard()));
    assert!(matches!(&calls[2], Call::Ping));
    assert_eq!(calls.len(), 3);
    assert_eq!(faults.count(Operation::Commit), 1);
    faults.forget_calls();
    assert_eq!(faults.count(Operation::Commit), 0);
}

mod without_orders {
    use super::{Duration, Faulty, ReferenceStore};
    use cloakroom_testkit::{Harness, ReferenceHarness};

    struct FaultyHarness(ReferenceHarness);

    async fn harness() -> FaultyHarness {
        FaultyHarness(ReferenceHarness::new().await)
    }

    impl Harness for FaultyHarness {
        type Store = Faulty<ReferenceStore>;

        async fn store(&self) -> Self::Store {
            Faulty::new(self.0.store().await)
        }

        async fn neighbour(&self) -> Self::Store {
            Faulty::new(self.0.neighbour().await)
        }

        fn unit(&self) -> Duration {
            self.0.unit()
        }

        async fn advance(&self, by: Duration) {
            self.0.advance(by).await;
        }

        fn is_exact(&self) -> bool {
            self.0.is_exact()
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_is_the_store_that_it_wraps() {
        let report = cloakroom_testkit::run_all(harness).await;
        assert!(report.is_passed(), "{report}");
    }
}
