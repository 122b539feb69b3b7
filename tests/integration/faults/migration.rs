//! Slots of a Redis Cluster that move to another server while visitors write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use servers::RedisCluster;

use super::traffic::Traffic;
use crate::support::{Backend, Site, Visitor, blocking, eventually};

/// A busy machine must not look like a server that is away.
const PATIENT: [&str; 2] = ["--store-timeout", "20s"];

/// How many buckets of sessions migrate at once, of 256; and how many sessions there are before.
const MIGRATING: usize = 32;
const BEFORE: usize = 300;
const VISITORS: usize = 4;

/// Long enough that every visitor meets a slot that is on its way.
const ON_THEIR_WAY: Duration = Duration::from_secs(1);

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

/// A session that is created while its slot is on its way waits for the slot to arrive, or is refused and was not made; what was
/// acknowledged is there then.
#[tokio::test]
async fn sessions_are_created_while_slots_migrate() {
    let cluster = start().await;
    let site = Site::start_on(Backend::RedisCluster, &cluster.url(), &PATIENT).await;
    let made = Mutex::new(Vec::new());
    let is_over = AtomicBool::new(false);
    let visits = join_all((0..VISITORS).map(async |number| {
        while !is_over.load(Ordering::Relaxed) {
            let mut visitor = Visitor::new();
            let answer = visitor.post(site.node(number), "/increment/total").await;
            if answer.status == 503 {
                answer.without_cookie();
                continue;
            }
            answer.is(200).ticket();
            made.lock().unwrap().push(visitor);
        }
    }));
    let migrations = async {
        eventually(async || made.lock().unwrap().len() > BEFORE).await;
        let (mover, slots) = (Arc::clone(&cluster), buckets(&cluster));
        let moving =
            blocking(move || slots.into_iter().map(|slot| move_keys(&mover, slot)).collect::<Vec<_>>());
        let moving = moving.await;
        tokio::time::sleep(ON_THEIR_WAY).await;
        moving.into_iter().for_each(|(slot, to)| cluster.end_migration(slot, to).unwrap());
        let before = made.lock().unwrap().len();
        eventually(async || made.lock().unwrap().len() > before + VISITORS).await;
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(visits, migrations);
    for mut visitor in made.into_inner().unwrap() {
        assert_eq!(visitor.attribute(site.b(), "total").await, Some(serde_json::json!(1)));
    }
}

async fn start() -> Arc<RedisCluster> {
    Arc::new(blocking(|| RedisCluster::start().unwrap()).await)
}

/// Returns the slots of some of the buckets in which sessions are kept.
fn buckets(cluster: &RedisCluster) -> Vec<u16> {
    (0..MIGRATING).map(|bucket| cluster.slot(format!("{{{bucket:02x}}}").as_bytes()).unwrap()).collect()
}

/// Begins to move a slot to the next server, and moves its keys.
fn move_keys(cluster: &RedisCluster, slot: u16) -> (u16, usize) {
    let to = next(cluster, slot);
    cluster.begin_migration(slot, to).unwrap();
    cluster.move_keys(slot, to).unwrap();
    (slot, to)
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
