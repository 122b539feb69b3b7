use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use cloakroom_sqlx::PostgresStore;
use cloakroom_testkit::{Harness, Report, run_all, run_matching};
use sqlx::postgres::{PgPool, PgPoolOptions};

use crate::support::{Database, run, shared_url};

/// How many connections each of the two kinds has, for all cases that run side by side.
const CONNECTIONS: u32 = 12;

/// So many schemas rest before one is used again: whatever a dropped future has asked for in it is long done.
const RESTING: usize = 8;

/// The two ways to make a store, each with connections that all cases share.
#[derive(Clone)]
pub(crate) struct Ways {
    pub(crate) of_pool: PostgresStore,
    pub(crate) of_own: PostgresStore,
    pub(crate) pool: PgPool,
}

impl Ways {
    async fn new() -> Self {
        let url = shared_url();
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(&url).await.unwrap();
        let of_own = PostgresStore::connect_lazy(&url).unwrap().max_connections(CONNECTIONS);
        Self { of_pool: PostgresStore::new(pool.clone()), of_own, pool }
    }

    fn telling(self) -> Self {
        Self { of_pool: self.of_pool.tell_changes(), of_own: self.of_own.tell_changes(), ..self }
    }
}

/// Schemas that cases have used. To make one takes longer than most cases.
type Used = Arc<Mutex<VecDeque<Database>>>;

/// Nodes that share a schema: one after the other with the pool and with connections of the store's own.
struct Nodes {
    /// There until this is dropped.
    database: Option<Database>,
    ways: Ways,
    used: Used,
    is_next_of_pool: AtomicBool,
}

impl Nodes {
    async fn new(ways: Ways, used: Used) -> Self {
        let reused = {
            let mut used = used.lock().unwrap();
            if used.len() > RESTING { used.pop_front() } else { None }
        };
        let database = match reused {
            Some(database) => {
                wipe(&database, &ways.pool).await;
                database
            }
            None => Database::new(),
        };
        let nodes = Self { database: Some(database), ways, used, is_next_of_pool: AtomicBool::default() };
        nodes.store().await.migrate().await.unwrap();
        nodes.neighbour().await;
        nodes
    }
}

async fn wipe(database: &Database, pool: &PgPool) {
    let schema = database.schema();
    let tables = ["cloakroom_sessions", "cloakroom_attributes", "neighbour_sessions", "neighbour_attributes"];
    let tables = tables.map(|table| format!("{schema}.{table}")).join(", ");
    run(&mut pool.acquire().await.unwrap(), &format!("TRUNCATE {tables}")).await;
}

impl Drop for Nodes {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.used.lock().unwrap().extend(self.database.take());
        }
    }
}

impl Harness for Nodes {
    type Store = PostgresStore;

    async fn store(&self) -> PostgresStore {
        let is_of_pool = self.is_next_of_pool.fetch_xor(true, Ordering::Relaxed);
        let way = if is_of_pool { &self.ways.of_pool } else { &self.ways.of_own };
        self.database.as_ref().unwrap().at(way.clone())
    }

    async fn neighbour(&self) -> PostgresStore {
        let store = self.store().await.namespace("neighbour").unwrap();
        store.migrate().await.unwrap();
        store
    }

    fn unit(&self) -> Duration {
        Duration::from_millis(400)
    }

    async fn advance(&self, by: Duration) {
        tokio::time::sleep(by).await;
    }

    fn is_exact(&self) -> bool {
        false
    }
}

/// All cases in one test: they sleep most of the time, and so run side by side with a few connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_cases() {
    let (ways, used) = (Ways::new().await, Used::default());
    let report = run_all(|| Nodes::new(ways.clone(), Arc::clone(&used))).await;
    assert!(report.is_passed(), "{report}");
}

/// The same with stores that tell of changes, but for those about time: so many commits at once that notify wait for each other
/// longer than those allow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_cases_with_feeds() {
    let report = run_timeless(Ways::new().await.telling()).await;
    assert!(report.is_passed(), "{report}");
}

/// Those cases that are not about time.
pub(crate) async fn run_timeless(ways: Ways) -> Report {
    const TIMED: [&str; 6] = ["access::", "expiry::", "held_back::", "lease::", "sweep::", "ttl::"];
    let used = Used::default();
    let make = || Nodes::new(ways.clone(), Arc::clone(&used));
    run_matching(make, |name| TIMED.iter().all(|group| !name.starts_with(group))).await
}
