//! Slots of a Redis Cluster that move to another server while visitors write.

use std::sync::Arc;

use servers::RedisCluster;

use super::traffic::Traffic;
use crate::support::{Backend, Site, blocking};

/// A busy machine must not look like a server that is away.
const PATIENT: [&str; 2] = ["--store-timeout", "20s"];

#[tokio::test]
async fn slots_migrate_while_visitors_write() {
    let cluster = start().await;
    let site = Site::start_on(Backend::RedisCluster, &cluster.url(), &PATIENT).await;
    let traffic = Traffic::on(&site).await;
    let mut slots: Vec<u16> =
        traffic.handles().await.iter().map(|handle| cluster.slot(tag(handle).as_bytes()).unwrap()).collect();
    slots.sort_unstable();
    slots.dedup();
    traffic
        .during(async |traffic| {
            for slot in slots {
                migrate(&cluster, slot, traffic).await;
            }
            assert_eq!(traffic.refused(), 0, "nobody needs to notice");
        })
        .await;
}

async fn start() -> Arc<RedisCluster> {
    Arc::new(blocking(|| RedisCluster::start().unwrap()).await)
}

/// Moves a slot to the next server, and waits after each step until everybody has written.
async fn migrate(cluster: &Arc<RedisCluster>, slot: u16, traffic: &Traffic<'_>) {
    let to = next(cluster, slot);
    cluster.begin_migration(slot, to).unwrap();
    traffic.flows().await;
    let mover = Arc::clone(cluster);
    let moved = blocking(move || mover.move_keys(slot, to).unwrap()).await;
    assert!(moved > 0, "no session is there");
    traffic.flows().await;
    cluster.end_migration(slot, to).unwrap();
    traffic.flows().await;
}

fn next(cluster: &RedisCluster, slot: u16) -> usize {
    (cluster.serves(slot).unwrap() + 1) % 3
}

/// Returns the part of a session's keys that says in which slot they are.
fn tag(handle: &str) -> String {
    format!("{{{}}}", &handle[handle.len() - 2..])
}
