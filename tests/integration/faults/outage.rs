//! A store that is away for a while, under traffic. The servers are durable: Redis syncs its file at every write.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::Method;

use super::traffic::{BOUND, Traffic, newcomer, served, within};
use crate::support::{Backend, Private, Proxy, Server, Site, Visitor, for_each_single_server, for_one_store};

for_each_single_server!(
    a_server_that_is_killed_and_restarted,
    a_server_that_is_stopped_and_goes_on,
    a_network_that_swallows_everything,
    a_network_that_refuses,
    a_network_that_is_slow,
    a_network_that_cuts_answers,
);
for_one_store!(
    nats,
    Nats,
    a_server_that_is_killed_and_restarted,
    a_server_that_is_stopped_and_goes_on,
    a_network_that_swallows_everything,
    a_network_that_refuses,
    a_network_that_is_slow,
    a_network_that_cuts_answers
);

/// Requests that need the session.
const USES: [(Method, &str); 6] = [
    (Method::GET, "/session"),
    (Method::GET, "/attributes/first"),
    (Method::PUT, "/attributes/late"),
    (Method::POST, "/increment/late"),
    (Method::POST, "/rotate"),
    (Method::POST, "/logout"),
];

/// How many connections the nodes may make once the store is back: as many as they may have, and the same again, because some
/// of the first may be given up with those that were lost.
const RECONNECTS: u64 = 2 * 2 * 10;

/// How many more they may make in a second: each node one every 100 ms.
const FURTHER: u64 = 2 * 10;

async fn a_server_that_is_killed_and_restarted(backend: Backend) {
    let mut server = Private::start(backend).await;
    let proxy = Proxy::start(backend.protocol(), server.port()).await;
    let site = Site::start_on(backend, &proxy.url(&server.url()), &BOUND).await;
    survives(&site, &proxy, async |away, _| {
        server.kill();
        away.check().await;
        server.restart().await;
    })
    .await;
}

async fn a_server_that_is_stopped_and_goes_on(backend: Backend) {
    let server = Private::start(backend).await;
    let proxy = Proxy::start(backend.protocol(), server.port()).await;
    let site = Site::start_on(backend, &proxy.url(&server.url()), &BOUND).await;
    survives(&site, &proxy, async |away, _| {
        server.pause();
        away.check().await;
        server.resume();
    })
    .await;
}

async fn a_network_that_swallows_everything(backend: Backend) {
    let site = Site::start_breakable(backend, &BOUND).await;
    let [proxy] = site.proxies() else { panic!("one server") };
    survives(&site, proxy, async |away, _| {
        proxy.black_hole();
        away.check().await;
        proxy.pass().await;
    })
    .await;
}

async fn a_network_that_refuses(backend: Backend) {
    let site = Site::start_breakable(backend, &BOUND).await;
    let [proxy] = site.proxies() else { panic!("one server") };
    survives(&site, proxy, async |away, _| {
        for _ in 0..3 {
            proxy.refuse().await;
            away.check().await;
            proxy.pass().await;
        }
    })
    .await;
}

async fn a_network_that_is_slow(backend: Backend) {
    let site = Site::start_breakable(backend, &BOUND).await;
    let [proxy] = site.proxies() else { panic!("one server") };
    // The proxy delays one command after the other, and an operation on NATS is several, all on one connection.
    let lag = Duration::from_millis(if backend == Backend::Nats { 4 } else { 20 });
    survives(&site, proxy, async |away, traffic| {
        proxy.slow(lag);
        traffic.flows().await;
        proxy.slow(Duration::from_secs(6));
        away.check().await;
        proxy.pass().await;
    })
    .await;
}

async fn a_network_that_cuts_answers(backend: Backend) {
    let site = Site::start_breakable(backend, &BOUND).await;
    let [proxy] = site.proxies() else { panic!("one server") };
    survives(&site, proxy, async |_, traffic| {
        for bytes in [0, 1, 3, 7, 20, 50] {
            proxy.cut_next_answer_after(bytes);
            traffic.flows().await;
        }
    })
    .await;
}

/// A visitor who comes while the store is away.
struct Away<'a> {
    site: &'a Site,
    visitor: Visitor,
}

/// Checks what holds whatever happens to the store, and after it.
async fn survives(site: &Site, proxy: &Proxy, fault: impl AsyncFnOnce(&Away<'_>, &Traffic<'_>)) {
    let away = Away { site, visitor: newcomer(site.a()).await };
    let ticket = away.visitor.ticket.clone();
    let traffic = Traffic::on(site).await;
    traffic
        .during(async |traffic| {
            fault(&away, traffic).await;
            let (before, began) = (proxy.traffic().connections, Instant::now());
            traffic.flows().await;
            let made = proxy.traffic().connections - before;
            let allowed = RECONNECTS + FURTHER * began.elapsed().as_secs();
            println!("{} writes were refused, then {made} connections made", traffic.refused());
            assert!(made <= allowed, "{made} connections were made, {allowed} are allowed");
        })
        .await;
    for server in [site.a(), site.b()] {
        let seen = served(&away.visitor, server, "/session").await.is(200).without_cookie().json();
        assert_eq!(seen["names"], serde_json::json!(["first"]), "nothing of what was refused");
    }
    assert_eq!(away.visitor.ticket, ticket);
}

impl Away<'_> {
    /// Checks what every node answers while the store is away.
    async fn check(&self) {
        let servers = [self.site.a(), self.site.b()];
        let uses = servers.iter().flat_map(|server| USES.map(|(method, path)| (*server, method, path)));
        join_all(uses.map(|(server, method, path)| self.refused(server, method, path))).await;
        for server in servers {
            within(self.visitor.clone().get(server, "/plain")).await.is(200).without_cookie();
            let newcomer = within(async { Visitor::new().get(server, "/session").await }).await;
            assert_eq!(newcomer.is(200).without_cookie().json()["new"], true);
            within(async { Visitor::new().put(server, "/attributes/a", 1).await }).await.is(503);
        }
    }

    async fn refused(&self, server: &Server, method: Method, path: &str) {
        let mut visitor = self.visitor.clone();
        within(visitor.send(server, method, path, "1".to_owned())).await.is(503).without_cookie();
    }
}
