//! Many requests at once, with a limit that keeps sessions moving: each commit that was acknowledged counts.

use std::sync::Arc;

use cloakroom::core::{Guard, Outcome, Store};
use cloakroom::{MemoryStore, PassivatingStore};

use crate::depot::TestDepot;
use crate::support::{change, create, load};

const SESSIONS: usize = 24;
const ROUNDS: usize = 150;

/// Commits to all sessions again and again, and returns how many commits each has acknowledged.
async fn visitor(store: PassivatingStore, guards: Arc<Vec<Guard>>, seed: usize) -> Vec<u64> {
    let mut acknowledged = vec![0; guards.len()];
    for round in 0..ROUNDS {
        let which = (round * 7 + seed * 5) % guards.len();
        if round % 3 == 0 {
            let _ = store.load(&load(guards[which])).await;
        }
        if let Ok(outcome) = store.commit(&change(guards[which], &[1; 3_000])).await {
            assert!(matches!(outcome, Outcome::Committed(_)), "no session may be gone: {outcome:?}");
            acknowledged[which] += 1;
        }
    }
    acknowledged
}

async fn versions_count_every_commit(store: PassivatingStore, mend: impl AsyncFnOnce()) {
    let mut guards = Vec::new();
    for _ in 0..SESSIONS {
        let commit = create(3_000, None);
        let _ = store.commit(&commit).await.unwrap();
        guards.push(commit.guard);
    }
    let guards = Arc::new(guards);
    let visitors: Vec<_> =
        (0..6).map(|seed| tokio::spawn(visitor(store.clone(), Arc::clone(&guards), seed))).collect();
    let mut expected = vec![1; SESSIONS];
    for visitor in visitors {
        for (sum, more) in expected.iter_mut().zip(visitor.await.unwrap()) {
            *sum += more;
        }
    }
    mend().await;
    for (guard, expected) in guards.iter().zip(expected) {
        let opened = match store.load(&load(*guard)).await.unwrap() {
            cloakroom::core::Loaded::Open(opened) => opened,
            other => panic!("{other:?}"),
        };
        assert_eq!(opened.meta.version.0, expected);
        assert_eq!(opened.attributes[0].revision, opened.meta.version);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_a_disk_that_fails_now_and_then() {
    let depot = TestDepot::default();
    let builder = MemoryStore::builder().max_bytes(20_000).passivate_to(depot.clone());
    let store = builder.hard_max_bytes(1 << 30).open().await.unwrap();
    let failing = {
        let depot = depot.clone();
        tokio::spawn(async move {
            for turn in 0_u32.. {
                fail_everything(&depot, turn % 4 == 0);
                tokio::time::sleep(std::time::Duration::from_millis(3)).await;
            }
        })
    };
    versions_count_every_commit(store, async || {
        failing.abort();
        let _ = failing.await;
        fail_everything(&depot, false);
    })
    .await;
}

fn fail_everything(depot: &TestDepot, fails: bool) {
    for operation in ["put", "get", "remove"] {
        depot.fail(operation, fails);
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let depot = cloakroom::SqliteDepot::open(folder.path().join("depot.db")).await.unwrap();
    let builder = MemoryStore::builder().max_bytes(20_000).passivate_to(depot);
    let store = builder.hard_max_bytes(60_000).open().await.unwrap();
    versions_count_every_commit(store.clone(), async || {}).await;
    store.stop().await.unwrap();
}
