//! Slots of a Redis Cluster that move to another server while visitors write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use serde_json::json;
use servers::RedisCluster;

use super::traffic::Traffic;
use crate::support::{Backend, Site, Visitor, blocking, eventually};

/// A busy machine must not look like a server that is away.
const PATIENT: [&str; 2] = ["--store-timeout", "20s"];

/// How many buckets of sessions migrate, of 256; and how many of them together.
const MIGRATING: usize = 32;
const TOGETHER: usize = 8;

const VISITORS: usize = 4;

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

/// A session that is created while its slot is on its way waits for it: nobody is refused, and what was acknowledged is there.
#[tokio::test]
async fn sessions_are_created_while_slots_migrate() {
    let cluster = start().await;
    let site = Site::start_on(Backend::RedisCluster, &cluster.url(), &PATIENT).await;
    let made = Mutex::new(Vec::new());
    let is_over = AtomicBool::new(false);
    let visits = join_all((0..VISITORS).map(async |number| {
        let newcomer = Visitor::new();
        while !is_over.load(Ordering::Relaxed) {
            let mut visitor = newcomer.clone();
            visitor.post(site.node(number), "/increment/total").await.is(200).ticket();
            made.lock().unwrap().push(visitor);
        }
    }));
    let migrations = async {
        for slots in buckets(&cluster).chunks(TOGETHER) {
            migrate_together(&cluster, slots).await;
        }
        let before = made.lock().unwrap().len();
        eventually(async || made.lock().unwrap().len() > before + VISITORS).await;
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(visits, migrations);
    for mut visitor in made.into_inner().unwrap() {
        assert_eq!(visitor.attribute(site.b(), "total").await, Some(json!(1)));
    }
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

/// Returns the slots of some of the buckets in which sessions are kept.
fn buckets(cluster: &RedisCluster) -> Vec<u16> {
    (0..MIGRATING).map(|bucket| cluster.slot(format!("{{{bucket:02x}}}").as_bytes()).unwrap()).collect()
}

/// Moves slots to the next server each, and waits after each step until somebody waits for one of them.
async fn migrate_together(cluster: &Arc<RedisCluster>, slots: &[u16]) {
    let moves: Vec<(u16, usize)> = slots.iter().map(|&slot| (slot, next(cluster, slot))).collect();
    each(cluster, &moves, |cluster, slot, to| cluster.begin_migration(slot, to).unwrap()).await;
    somebody_waits(cluster).await;
    each(cluster, &moves, |cluster, slot, to| _ = cluster.move_keys(slot, to).unwrap()).await;
    somebody_waits(cluster).await;
    each(cluster, &moves, |cluster, slot, to| cluster.end_migration(slot, to).unwrap()).await;
}

async fn each(cluster: &Arc<RedisCluster>, moves: &[(u16, usize)], step: fn(&RedisCluster, u16, usize)) {
    let (cluster, moves) = (Arc::clone(cluster), moves.to_vec());
    blocking(move || moves.into_iter().for_each(|(slot, to)| step(&cluster, slot, to))).await;
}

/// Waits until somebody was told to try again, as their slot is on its way.
async fn somebody_waits(cluster: &RedisCluster) {
    let told = || cluster.errors("TRYAGAIN").unwrap();
    let before = told();
    eventually(async || told() > before).await;
}

fn next(cluster: &RedisCluster, slot: u16) -> usize {
    (cluster.serves(slot).unwrap() + 1) % 3
}

/// Returns the part of a session's keys that says in which slot they are.
fn tag(handle: &str) -> String {
    format!("{{{}}}", &handle[handle.len() - 2..])
}
