use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Backend, Server, Site, Visitor, eventually, for_each_site};

for_each_site!(
    what_is_done_is_counted,
    bytes_follow_what_changed,
    bad_tickets_are_counted,
    a_sweep_tells_its_lag
);

/// Returns every metric of a server by its name with labels.
pub(super) async fn metrics(server: &Server) -> BTreeMap<String, f64> {
    let answer = Visitor::new().get(server, "/metrics").await.is(200).without_cookie();
    assert!(answer.header("content-type").starts_with("text/plain"));
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let split = lines.map(|line| line.rsplit_once(' ').unwrap());
    split.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

async fn metric(server: &Server, name: &str) -> f64 {
    metrics(server).await.get(name).copied().unwrap_or_default()
}

#[track_caller]
fn are(all: &BTreeMap<String, f64>, expected: &[(&str, f64)]) {
    for (name, value) in expected {
        assert_eq!(all.get(*name).copied().unwrap_or_default(), *value, "{name} in {all:#?}");
    }
}

async fn what_is_done_is_counted(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let server = site.a();
    Visitor::new().get(server, "/plain").await.is(200);
    let (mut visitor, _) = Visitor::with_session(server).await;
    visitor.get(server, "/attributes/first").await.is(200);
    visitor.set(server, "more", 1).await;
    visitor.post(server, "/rotate").await.is(204);
    visitor.login(server, "ada").await.is(204);
    visitor.put(server, "/attributes/large", json!("x".repeat(300_000))).await.is(413);
    visitor.post(server, "/logout").await.is(204);
    let all = metrics(server).await;
    are(
        &all,
        &[
            ("cloakroom_loads_total{result=\"open\"}", 6.0),
            ("cloakroom_loads_total{result=\"absent\"}", 0.0),
            ("cloakroom_commits_total{intent=\"create\",result=\"committed\"}", 1.0),
            ("cloakroom_commits_total{intent=\"change\",result=\"committed\"}", 3.0),
            ("cloakroom_lifecycle_total{event=\"created\"}", 1.0),
            ("cloakroom_lifecycle_total{event=\"rotated\"}", 1.0),
            ("cloakroom_lifecycle_total{event=\"signed_in\"}", 1.0),
            ("cloakroom_invalidated_total{asked_by=\"request\"}", 1.0),
            ("cloakroom_store_seconds_count{operation=\"load\"}", 6.0),
        ],
    );
}

/// Changing a small attribute of a large session carries little, and the metrics say what a whole write would have cost.
async fn bytes_follow_what_changed(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let server = site.a();
    let (mut visitor, _) = Visitor::with_session(server).await;
    visitor.post(server, "/fill?attributes=50&bytes=4000").await.is(204);
    let before = metrics(server).await;
    for number in 0..10 {
        visitor.set(server, "small", number).await;
    }
    let after = metrics(server).await;
    let grown = |name: &str| after[name] - before[name];
    assert!(grown("cloakroom_written_bytes_total") < 500.0);
    assert!(grown("cloakroom_whole_written_bytes_total") > 10.0 * 50.0 * 4000.0);
    assert!(grown("cloakroom_read_bytes_total") < 500.0);
    assert!(grown("cloakroom_whole_read_bytes_total") > 10.0 * 50.0 * 4000.0);
}

async fn bad_tickets_are_counted(backend: Backend) {
    let site = Site::start(backend, &["--rotation-grace", "10m"]).await;
    let server = site.a();
    let (mut visitor, old) = Visitor::with_session(server).await;
    visitor.login(server, "ada").await.is(204).ticket();
    Visitor::holding(&old).get(server, "/session").await.is(200);
    Visitor::holding("A".repeat(44)).get(server, "/session").await.is(200);
    Visitor::holding("nonsense").get(server, "/session").await.is(200);
    let name = |reason| format!("cloakroom_rejected_tickets_total{{reason=\"{reason}\"}}");
    let all = metrics(server).await;
    are(&all, &[(&name("superseded"), 1.0), (&name("unknown"), 1.0), (&name("malformed"), 1.0)]);
    let log = server.log();
    assert!(!log.contains("WARN"), "a bad ticket is no warning: {log}");
}

async fn a_sweep_tells_its_lag(backend: Backend) {
    let site = Site::start(backend, &["--sweep-every", "20ms"]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    visitor.post(site.a(), "/interval?ms=50").await.is(204);
    let removed = || async {
        let told = join_all(site.nodes().iter().map(|node| metric(node, "cloakroom_expired_total"))).await;
        told.iter().sum::<f64>() >= 1.0
    };
    eventually(removed).await;
    let told = || async {
        let all = metrics(site.a()).await;
        let value = |name: &str| all.get(name).copied().unwrap_or_default();
        value("cloakroom_sweep_lag_seconds") > 0.0
            && value("cloakroom_sweeps_total{result=\"complete\"}") >= 1.0
    };
    eventually(told).await;
}
