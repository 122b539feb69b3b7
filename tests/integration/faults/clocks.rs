//! Nodes whose clocks are wrong, one ten minutes ahead and one ten minutes behind: the store's clock is the one that counts.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use crate::support::{Backend, Reader, Server, Site, Visitor, eventually, for_each_networked_store};

for_each_networked_store!(
    accesses_keep_a_session_alive_and_it_ends_in_time,
    a_lifetime_is_neither_shorter_nor_longer,
    a_renewed_ticket_has_its_grace,
);

const MINUTES: u64 = 10;
const INTERVAL: Duration = Duration::from_millis(1500);

/// Times in a store are whole milliseconds.
const ROUNDING: Duration = Duration::from_millis(2);

/// How far two nodes may be apart in what they take for the time of NATS, on a machine that is busy: each takes it from a round trip.
const ESTIMATE: Duration = Duration::from_millis(250);

/// Two nodes that are wrong about the time.
struct Rig {
    ahead: Server,
    behind: Server,
    reader: Reader,
    tolerance: Duration,
    _site: Site,
}

async fn accesses_keep_a_session_alive_and_it_ends_in_time(backend: Backend) {
    let rig = Rig::start(backend, &["--max-inactive-interval", "1500ms", "--touch-every", "0s"]).await;
    for maker in [&rig.ahead, &rig.behind] {
        let (visitor, last) = rig.kept_alive(maker).await;
        rig.ends(visitor, last + INTERVAL).await;
    }
}

async fn a_lifetime_is_neither_shorter_nor_longer(backend: Backend) {
    let rig = Rig::start(backend, &["--max-lifetime", "1500ms"]).await;
    for maker in [&rig.ahead, &rig.behind] {
        let made = Instant::now();
        let (visitor, _) = Visitor::with_session(maker).await;
        rig.ends(visitor, made + INTERVAL).await;
    }
}

async fn a_renewed_ticket_has_its_grace(backend: Backend) {
    let rig = Rig::start(backend, &["--rotation-grace", "60s"]).await;
    for (one, other) in [(&rig.ahead, &rig.behind), (&rig.behind, &rig.ahead)] {
        let (mut visitor, ticket) = Visitor::with_session(one).await;
        visitor.post(one, "/rotate").await.is(204).ticket();
        for server in [one, other] {
            assert_eq!(Visitor::holding(&ticket).names(server).await, ["first"]);
            assert_eq!(visitor.names(server).await, ["first"]);
        }
    }
}

impl Rig {
    async fn start(backend: Backend, options: &[&str]) -> Self {
        // A sweeper that judged by its own clock would end sessions too.
        let options = [options, &["--sweep-every", "50ms"]].concat();
        let site = Site::start(backend, &options).await;
        let ahead = wrong(&site, &format!("+{MINUTES}m")).await;
        let behind = wrong(&site, &format!("-{MINUTES}m")).await;
        let now = SystemTime::now();
        let off = Duration::from_secs(60 * MINUTES);
        assert_near(now_of(&ahead).await, now + off);
        assert_near(now_of(&behind).await, now - off);
        let tolerance = if backend == Backend::Nats { ESTIMATE } else { ROUNDING };
        Self { ahead, behind, reader: Reader::of(&site).await, tolerance, _site: site }
    }

    /// Uses a session of this node on both nodes for two intervals, and returns when it was used last.
    ///
    /// A machine that stops for a while would end the session as it should: such a run proves nothing and is done again.
    async fn kept_alive(&self, maker: &Server) -> (Visitor, Instant) {
        for _ in 0..10 {
            let (mut visitor, _) = Visitor::with_session(maker).await;
            let (start, mut last, mut longest) = (Instant::now(), Instant::now(), Duration::ZERO);
            let mut is_new = false;
            while start.elapsed() < 2 * INTERVAL {
                for server in [&self.ahead, &self.behind] {
                    sleep(INTERVAL / 10).await;
                    let sent = Instant::now();
                    is_new |= visitor.session(server).await["new"] == true;
                    longest = longest.max(last.elapsed());
                    last = sent;
                }
            }
            if longest < INTERVAL / 2 {
                assert!(!is_new, "it expired early");
                return (visitor, last);
            }
        }
        panic!("this machine stops again and again");
    }

    /// Looks at a session, which is no access, until it has ended; checks that this is not before it should.
    async fn ends(&self, mut visitor: Visitor, due: Instant) {
        let ticket = visitor.ticket.clone().unwrap();
        eventually(|| async { self.reader.version(&ticket).await.is_none() }).await;
        assert!(Instant::now() + self.tolerance >= due, "it expired early");
        sleep(self.tolerance).await;
        for server in [&self.ahead, &self.behind] {
            assert_eq!(visitor.session(server).await["new"], true);
        }
    }
}

/// Starts a node whose clock is wrong; its timers go as they should.
async fn wrong(site: &Site, offset: &str) -> Server {
    let library = library();
    let environment = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAKETIME", offset),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("RUST_LOG", "info,cloakroom=debug"),
    ];
    site.another_within(site.store(), &environment).await
}

fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap();
    let mut paths = folders.map(|folder| folder.unwrap().path().join("faketime/libfaketime.so.1"));
    paths.find(|path| path.exists()).expect("no libfaketime: run tests/run, or: apt-get install faketime")
}

/// Returns the time by which a node logs.
async fn now_of(server: &Server) -> SystemTime {
    let (mut visitor, _) = Visitor::with_session(server).await;
    visitor.post(server, "/logout").await.is(204);
    eventually(|| async { server.log().contains("session invalidated") }).await;
    let log = server.log();
    let line = log.lines().find(|line| line.contains("session invalidated")).unwrap();
    humantime::parse_rfc3339(line.split_whitespace().next().unwrap()).unwrap()
}

/// Checks that two times are the same within what a busy machine may need.
fn assert_near(one: SystemTime, other: SystemTime) {
    let apart = one.duration_since(other).unwrap_or_else(|error| error.duration());
    assert!(apart < Duration::from_secs(60), "{apart:?} off: the clock is not faked as it should be");
}
