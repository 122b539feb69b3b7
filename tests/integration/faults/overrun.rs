//! A server that nobody reaches, and many who want to: they do not overrun it, neither while it is away nor when it is back.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use servers::Port;

use super::traffic::within;
use crate::support::{Backend, Proxy, Site, Visitor, for_each_single_server, for_one_store, port};

for_each_single_server!(many_who_come_while_the_server_is_away_make_few_attempts);
for_one_store!(nats, Nats, many_who_come_while_the_server_is_away_make_few_attempts);

const BOUND: [&str; 4] = ["--store-timeout", "5s", "--sweep-every", "1h"];

const WAVES: usize = 20;
const VISITORS: usize = 40;

/// Connections that a node may have.
const POOL: u64 = 10;

/// How often a node may try to connect, beside twice for each connection that it had.
const ATTEMPT_EVERY: Duration = Duration::from_millis(100);

async fn many_who_come_while_the_server_is_away_make_few_attempts(backend: Backend) {
    let site = Site::start_breakable(backend, &BOUND).await;
    let [proxy] = site.proxies() else { panic!("one server") };
    let (visitor, _) = Visitor::with_session(site.a()).await;
    wave(&site, &visitor, 200).await;

    let nobody = Port::claim().unwrap();
    proxy.forward_to(nobody.number());
    proxy.cut().await;
    let (before, began) = (connections(proxy), Instant::now());
    for _ in 0..WAVES {
        wave(&site, &visitor, 503).await;
    }
    let attempts = began.elapsed().as_millis() / ATTEMPT_EVERY.as_millis();
    let allowed = 2 * POOL + u64::try_from(attempts).unwrap();
    let made = connections(proxy) - before;
    println!("{made} attempts were made, {allowed} are allowed, for {} requests", WAVES * VISITORS);

    proxy.forward_to(port(&backend.server()));
    let before = connections(proxy);
    super::traffic::served(&visitor, site.a(), "/session").await.is(200);
    wave(&site, &visitor, 200).await;
    let made_afterwards = connections(proxy) - before;
    println!("{made_afterwards} connections were made afterwards");
    assert!(made_afterwards <= 2 * POOL, "{made_afterwards} connections were made afterwards");
    assert!(made <= allowed, "{made} attempts were made, {allowed} are allowed");
}

async fn wave(site: &Site, visitor: &Visitor, status: u16) {
    let visits =
        (0..VISITORS).map(async |_| within(visitor.clone().get(site.a(), "/session")).await.is(status));
    join_all(visits).await;
}

fn connections(proxy: &Proxy) -> u64 {
    proxy.traffic().connections
}
