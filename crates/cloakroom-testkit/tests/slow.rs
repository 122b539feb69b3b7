//! What fails on a machine that is too slow need not be the store's fault: it is run again. Nothing else is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cloakroom_core::SystemClock;
use cloakroom_testkit::broken::{BrokenHarness, Flaw};
use cloakroom_testkit::faulty::{Fault, Faulty, Operation};
use cloakroom_testkit::{Harness, ReferenceStore, Report, cases, run_case, run_matching};

const TIMED: &str = "expiry::a_session_ends_when_its_interval_is_over";
const TIMELESS: &str = "namespaces::a_ticket_opens_nothing_in_another";

/// A store by the machine's clock that takes its time for a load, or whose clock does. Its neighbour is the store itself.
struct Slow {
    store: ReferenceStore,
    load: Duration,
    oversleeps: Duration,
}

impl Slow {
    const UNIT: Duration = Duration::from_millis(400);
    const TOO_LONG: Duration = Duration::from_millis(1000);

    fn with(load: Duration, oversleeps: Duration) -> Self {
        Self { store: ReferenceStore::new(SystemClock), load, oversleeps }
    }

    fn quick() -> Self {
        Self::with(Duration::ZERO, Duration::ZERO)
    }

    fn load() -> Self {
        Self::with(Self::TOO_LONG, Duration::ZERO)
    }

    fn clock() -> Self {
        Self::with(Duration::ZERO, Self::TOO_LONG)
    }
}

impl Harness for Slow {
    type Store = Faulty<ReferenceStore>;

    async fn store(&self) -> Self::Store {
        let store = Faulty::new(self.store.clone());
        store.faults().inject(Operation::Load, Fault::Delay(self.load));
        store
    }

    async fn neighbour(&self) -> Self::Store {
        self.store().await
    }

    fn unit(&self) -> Duration {
        Self::UNIT
    }

    async fn advance(&self, by: Duration) {
        tokio::time::sleep(by + self.oversleeps).await;
    }

    fn is_exact(&self) -> bool {
        false
    }
}

/// Runs a case, and returns how many rounds it took.
async fn rounds<H: Harness>(case: &str, make: impl Fn(usize) -> H + Send + Sync) -> (usize, Report) {
    let rounds = AtomicUsize::new(0);
    let make = || {
        let harness = make(rounds.fetch_add(1, Ordering::Relaxed));
        async { harness }
    };
    let report = run_matching(make, |name| name == case).await;
    assert_eq!(report.verdicts().len(), 1);
    (rounds.into_inner(), report)
}

#[tokio::test]
async fn what_was_too_slow_is_run_again() {
    for slow in [Slow::load, Slow::clock] {
        let make = |round| if round == 0 { slow() } else { Slow::quick() };
        let (rounds, report) = rounds(TIMED, make).await;
        assert!(rounds > 1 && report.is_passed(), "{report} after {rounds}");
    }
}

#[test]
fn so_is_a_case_that_is_a_test_of_its_own() {
    let rounds = AtomicUsize::new(0);
    let make = async || {
        if rounds.fetch_add(1, Ordering::Relaxed) == 0 { Slow::load() } else { Slow::quick() }
    };
    run_case(make, |harness| Box::pin(cases::expiry::a_session_ends_when_its_interval_is_over(harness)));
    assert!(rounds.into_inner() > 1);
}

#[tokio::test]
async fn what_is_always_too_slow_fails_in_the_end() {
    for slow in [Slow::load, Slow::clock] {
        let (rounds, report) = rounds(TIMED, |_| slow()).await;
        assert!(rounds == 5 && !report.is_passed(), "{report} after {rounds}");
    }
}

#[test]
#[should_panic(expected = "expected the session to open, got Absent")]
fn so_does_a_case_that_is_a_test_of_its_own() {
    let make = async || Slow::clock();
    run_case(make, |harness| Box::pin(cases::expiry::a_session_ends_when_its_interval_is_over(harness)));
}

#[tokio::test]
async fn what_is_not_about_time_is_run_once_however_slow_it_is() {
    let (rounds, report) = rounds(TIMELESS, |_| Slow::load()).await;
    assert!(rounds == 1 && !report.is_passed(), "{report} after {rounds}");
}

/// This machine may be too slow in some of the runs.
#[tokio::test]
async fn what_fails_in_time_is_run_once() {
    let case = "expiry::a_session_is_not_open_at_its_deadline";
    let flaw = Flaw::ALL.iter().copied().find(|flaw| flaw.caught_by().contains(&case)).unwrap();
    for _ in 0..20 {
        let rounds = AtomicUsize::new(0);
        let make = || {
            rounds.fetch_add(1, Ordering::Relaxed);
            BrokenHarness::new(flaw)
        };
        assert!(!run_matching(make, |name| name == case).await.is_passed(), "{flaw:?}");
        if rounds.into_inner() == 1 {
            return;
        }
    }
    panic!("{flaw:?}: no failure was believed at once");
}
