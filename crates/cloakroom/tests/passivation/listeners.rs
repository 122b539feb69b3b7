use std::sync::{Arc, Mutex};

use cloakroom::{ActivationListener, MemoryStore, SessionDetails};

use crate::depot::TestDepot;
use crate::support::{create, load, until};
use cloakroom::core::Store as _;

#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<(&'static str, String)>>>);

impl ActivationListener for Ear {
    async fn passivated(&self, session: &SessionDetails) {
        self.0.lock().unwrap().push(("passivated", session.handle().to_string()));
    }

    async fn activated(&self, session: &SessionDetails) {
        self.0.lock().unwrap().push(("activated", session.handle().to_string()));
    }
}

struct Panics;

impl ActivationListener for Panics {
    async fn passivated(&self, _: &SessionDetails) {
        panic!("on purpose");
    }
}

#[tokio::test]
async fn listeners_are_told_of_both_ways_and_the_panic_of_one_harms_nobody() {
    let ear = Ear::default();
    let builder = MemoryStore::builder().max_bytes(0).passivate_to(TestDepot::default());
    let store = builder.hard_max_bytes(1 << 20).listener(Panics).listener(ear.clone()).open().await.unwrap();
    let commit = create(10, None);
    let _ = store.commit(&commit).await.unwrap();
    until(|| store.passivated() == 1).await;
    let _ = store.load(&load(commit.guard)).await.unwrap();
    until(|| store.passivated() == 1).await;
    store.stop().await.unwrap();
    let handle = commit.guard.handle.to_string();
    let told = ear.0.lock().unwrap().clone();
    let expected = ["passivated", "activated", "passivated"].map(|what| (what, handle.clone()));
    assert_eq!(told, expected, "a stop waits for the listeners");
}
