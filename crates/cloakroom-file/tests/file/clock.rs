use std::fs;
use std::time::{Duration, SystemTime};

use cloakroom_core::{Store as _, Timestamp};
use cloakroom_file::FileStore;
use cloakroom_testkit::{Harness, run_matching};

use crate::support::*;

/// How much less may have passed by the time of a file, which the kernel tells in steps.
const STEP: Duration = Duration::from_millis(20);

/// A directory that goes by the clock of the machine it is on.
struct Real(Nodes);

impl Harness for Real {
    type Store = FileStore;

    async fn store(&self) -> FileStore {
        FileStore::open(self.0.directory()).await.unwrap()
    }

    async fn neighbour(&self) -> FileStore {
        FileStore::builder(self.0.directory()).namespace("neighbour").unwrap().open().await.unwrap()
    }

    fn unit(&self) -> Duration {
        Duration::from_millis(400)
    }

    async fn advance(&self, by: Duration) {
        tokio::time::sleep(by + STEP).await;
    }

    fn is_exact(&self) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_end_by_the_clock_of_the_files() {
    let groups = ["expiry::", "access::", "lease::", "ttl::"];
    let is_about_time = |name: &str| groups.iter().any(|group| name.starts_with(group));
    let report = run_matching(async || Real(Nodes::new()), is_about_time).await;
    assert!(report.is_passed(), "{report}");
    assert!(report.verdicts().len() > 30);
}

/// The time told is that of a file which was written for it, and what has passed since.
#[tokio::test]
async fn the_time_is_read_off_a_file() {
    let nodes = Nodes::new();
    let store = FileStore::open(nodes.directory()).await.unwrap();
    let clock = nodes.namespace().join("clock");
    fs::remove_file(&clock).unwrap();
    let ticket = session(&store, "a", "1").await;
    let started = SystemTime::now();
    while fs::metadata(&clock).is_err() {
        assert!(started.elapsed().unwrap() < Duration::from_secs(10), "it is read anew about once a second");
        open(&store, &ticket, &[]).await.unwrap();
    }
    let read = Timestamp::from(fs::metadata(&clock).unwrap().modified().unwrap());
    let now = open(&store, &ticket, &[]).await.unwrap().unwrap().now;
    assert!(now >= read && now.since(read) < Duration::from_secs(60), "{now} after {read}");
    store.ping().await.unwrap();
}
