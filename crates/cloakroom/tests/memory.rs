//! The in-memory store: the conformance cases, and its bounds.

use std::num::NonZeroU32;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use cloakroom::MemoryStore;
use cloakroom::core::{
    Bind, Changes, Clock as _, Commit, CommitId, Creation, Edit, ErrorKind, Freshness, Intent, Limits, Load,
    Loaded, Name, Outcome, Principal, Select, Store, Ticket, Touch,
};
use cloakroom_testkit::{Harness, ManualClock};

struct Memory {
    clock: Arc<ManualClock>,
    store: MemoryStore,
    neighbour: MemoryStore,
}

impl Memory {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        let store = |namespace: &str| {
            let clock = Arc::clone(&clock);
            MemoryStore::builder().namespace(namespace).clock(clock).build()
        };
        Self { store: store("here"), neighbour: store("next door"), clock }
    }
}

impl Harness for Memory {
    type Store = MemoryStore;

    async fn store(&self) -> MemoryStore {
        self.store.clone()
    }

    async fn neighbour(&self) -> MemoryStore {
        self.neighbour.clone()
    }

    fn unit(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn is_exact(&self) -> bool {
        true
    }
}

mod conformance {
    use super::Memory;

    cloakroom_testkit::conformance!(Memory::new);
}

const INTERVAL: Duration = Duration::from_secs(60);

fn create(bytes: usize) -> Commit {
    let attribute = cloakroom::core::AttributeChange {
        name: Name::from_static("a"),
        edit: Edit::Set { value: vec![7; bytes].into(), ttl: None },
        expect: None,
    };
    Commit {
        id: CommitId::generate().expect("random bytes"),
        guard: Ticket::generate().expect("random bytes").guard(),
        intent: Intent::Create(Creation { max_inactive_interval: INTERVAL, max_lifetime: None, bind: None }),
        changes: Changes { attributes: vec![attribute], ..Changes::default() },
        limits: Limits { attribute_bytes: u64::MAX, session_bytes: u64::MAX, ..Limits::default() },
        age: Duration::ZERO,
        stands_for: NonZeroU32::MIN,
    }
}

async fn is_open(store: &MemoryStore, commit: &Commit) -> bool {
    let load = Load {
        guard: commit.guard,
        select: Select::default(),
        touch: Touch::AtMostEvery(Duration::ZERO),
        freshness: Freshness::Any,
    };
    matches!(store.load(&load).await.expect("memory does not fail"), Loaded::Open(_))
}

#[tokio::test]
async fn past_its_bound_of_sessions_the_least_recently_used_is_dropped() {
    let store = MemoryStore::builder().max_sessions(3).build();
    let commits: Vec<_> = (0..4).map(|_| create(10)).collect();
    for commit in &commits[..3] {
        assert!(matches!(store.commit(commit).await.unwrap(), Outcome::Committed(_)));
    }
    assert!(is_open(&store, &commits[0]).await, "this one is used again");
    assert!(matches!(store.commit(&commits[3]).await.unwrap(), Outcome::Committed(_)));
    assert_eq!(store.len(), 3);
    assert!(is_open(&store, &commits[0]).await);
    assert!(!is_open(&store, &commits[1]).await);
    assert!(is_open(&store, &commits[3]).await);
}

#[tokio::test]
async fn past_its_bound_of_bytes_too_and_one_that_cannot_fit_is_refused() {
    let store = MemoryStore::builder().max_bytes(100_000).build();
    for _ in 0..50 {
        assert!(matches!(store.commit(&create(10_000)).await.unwrap(), Outcome::Committed(_)));
        assert!(store.bytes() <= 100_000);
    }
    let held = store.len();
    assert!(held > 1);
    let refused = store.commit(&create(100_000)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Full);
    assert_eq!(store.len(), held, "it pushed nobody out");
}

#[tokio::test]
async fn a_session_that_outgrows_the_store_is_refused_and_keeps_what_it_had() {
    let store = MemoryStore::builder().max_bytes(100_000).build();
    let first = create(10_000);
    assert!(matches!(store.commit(&first).await.unwrap(), Outcome::Committed(_)));
    let change = Commit { guard: first.guard, intent: Intent::Change, ..create(200_000) };
    assert_eq!(store.commit(&change).await.unwrap_err().kind(), ErrorKind::Full);
    assert!(is_open(&store, &first).await);
    assert!(store.bytes() <= 100_000);
}

#[tokio::test]
async fn a_million_one_visit_sessions_leave_by_themselves() {
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::builder().clock(Arc::clone(&clock) as _).build();
    let began = clock.now();
    let mut most = 0;
    for visit in 0..1_000_000_u32 {
        if visit % 1000 == 0 {
            clock.advance(Duration::from_secs(1));
            most = most.max(store.len());
        }
        assert!(matches!(store.commit(&create(1)).await.unwrap(), Outcome::Committed(_)));
    }
    assert_eq!(clock.now().since(began), Duration::from_secs(1000));
    // A minute to live and five to be handed out, at a thousand a second, and some slack for the shards' turns.
    assert!(most < 450_000, "{most} sessions were held at once");
}

/// How long two threads may take that do not wait for each other: only a deadlock makes the test wait as long.
const PATIENCE: Duration = Duration::from_secs(60);

fn sign_in() -> Commit {
    let bind = Bind { principal: Principal::new("ada").expect("a name"), max_sessions: None };
    let creation = Creation { max_inactive_interval: INTERVAL, max_lifetime: None, bind: Some(bind) };
    Commit { intent: Intent::Create(creation), ..create(10) }
}

/// A plain commit has to take a session that it pushes out from its principal's list, and a sign-in goes the other way:
/// from the list to the sessions.
#[test]
fn commits_that_push_out_who_is_signed_in_and_sign_ins_do_not_wait_for_each_other() {
    let store = MemoryStore::builder().max_sessions(4).build();
    let (done, dones) = mpsc::channel();
    for commit in [sign_in, || create(10)] {
        let (store, done) = (store.clone(), done.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for _ in 0..20_000 {
                assert!(matches!(runtime.block_on(store.commit(&commit())).unwrap(), Outcome::Committed(_)));
            }
            done.send(()).unwrap();
        });
    }
    for _ in 0..2 {
        assert!(dones.recv_timeout(PATIENCE).is_ok(), "the threads wait for each other, or one has failed");
    }
}
