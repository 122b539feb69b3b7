use std::time::Duration;

use cloakroom_core::Ticket;
use cloakroom_redis::RedisStore;
use servers::{Redis, RedisOptions, Reply};

/// A server that is one test's own, and a store on it.
pub(crate) struct Private {
    pub(crate) server: Redis,
    pub(crate) store: RedisStore,
}

impl Private {
    pub(crate) async fn start() -> Self {
        Self::start_with(Redis::options()).await
    }

    pub(crate) async fn start_with(options: RedisOptions) -> Self {
        let server = options.start().unwrap();
        let store = RedisStore::connect(&server.url()).await.unwrap();
        Self { server, store }
    }

    pub(crate) fn ask(&self, command: &[&str]) -> Reply {
        self.server.ask(command).unwrap()
    }

    /// Asks a question whose answer is a number.
    pub(crate) fn number(&self, command: &[&str]) -> i64 {
        self.ask(command).text().parse().unwrap()
    }

    /// Returns a field of what the server tells of itself.
    pub(crate) fn info(&self, section: &str, field: &str) -> String {
        let info = self.ask(&["INFO", section]).text();
        let lines = info.lines().filter_map(|line| line.split_once(':'));
        lines
            .into_iter()
            .find(|(name, _)| *name == field)
            .map(|(_, value)| value.to_owned())
            .unwrap_or_default()
    }

    /// Returns how many writes there were.
    pub(crate) fn writes(&self) -> u64 {
        self.info("persistence", "rdb_changes_since_last_save").parse().unwrap()
    }

    /// Returns how many scripts were called.
    pub(crate) fn scripts(&self) -> u64 {
        ["cmdstat_evalsha", "cmdstat_eval"].map(|name| calls(&self.info("commandstats", name))).iter().sum()
    }

    pub(crate) fn keys(&self, pattern: &str) -> Vec<String> {
        self.ask(&["KEYS", pattern]).list().iter().map(Reply::text).collect()
    }
}

fn calls(stat: &str) -> u64 {
    let calls = stat.split(',').find_map(|part| part.strip_prefix("calls="));
    calls.map_or(0, |calls| calls.parse().unwrap())
}

/// Starts a replica of a server that is not in a cluster itself, and waits until it has caught up.
pub(crate) async fn replica_of(primary: &Redis) -> Redis {
    let replica = Redis::start().unwrap();
    replica.ask(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]).unwrap();
    eventually("the replica is there", async || {
        let info = primary.ask(&["INFO", "replication"]).unwrap().text();
        info.contains("state=online").then_some(())
    })
    .await;
    replica
}

/// Returns the key of a session, as the documentation tells it.
pub(crate) fn key_of(ticket: &Ticket) -> String {
    let handle = ticket.handle().to_string();
    format!("cloakroom:{{{}}}:{handle}", &handle[34..])
}

/// Returns the key of the epoch in which a session was created.
pub(crate) fn epoch_of(ticket: &Ticket) -> String {
    format!("cloakroom:{{{}}}:e", &ticket.handle().to_string()[34..])
}

/// Tries until it works, as long as a test may take.
pub(crate) async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let tries = async {
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(90), tries).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// Bounds an operation as the layer does, by dropping its future; `None` where it failed or took too long.
pub(crate) async fn within<T, E>(operation: impl Future<Output = Result<T, E>>) -> Option<T> {
    tokio::time::timeout(Duration::from_secs(2), operation).await.ok()?.ok()
}
