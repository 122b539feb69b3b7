//! What the layer learns of its routes, as the metrics tell it.

use super::metrics::metrics;
use crate::support::{Backend, Site, Visitor, for_each_site};

for_each_site!(
    a_route_fetches_what_it_reads_once,
    a_route_whose_names_change_learns_none,
    a_large_session_costs_what_is_read
);

/// Returns by how much a metric of a server grows while something is done.
async fn growth(site: &Site, name: &str, done: impl Future<Output = ()>) -> f64 {
    let value = async || metrics(site.a()).await.get(name).copied().unwrap_or_default();
    let before = value().await;
    done.await;
    value().await - before
}

const FETCHES: &str = "cloakroom_fetches_total{result=\"open\"}";

async fn a_route_fetches_what_it_reads_once(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    let increments = async {
        for expected in 1..=20 {
            let answer = visitor.post(site.a(), "/increment/visits").await.is(200);
            assert_eq!(answer.json(), expected);
        }
    };
    let fetches = growth(&site, FETCHES, increments).await;
    assert_eq!(fetches, 1.0);
    let all = metrics(site.a()).await;
    let used = all.get("cloakroom_foreseen_total{result=\"used\"}").copied().unwrap_or_default();
    assert_eq!(used, 19.0);
}

/// One route in the router, whose requests all read another attribute: soon nothing is loaded that is not read.
async fn a_route_whose_names_change_learns_none(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    visitor.post(site.a(), "/fill?attributes=100&bytes=1000").await.is(204);
    let mut asks = async |from: usize, to: usize| {
        for number in from..to {
            let name = format!("a{number:04}");
            visitor.get(site.a(), &format!("/attributes/{name}")).await.is(200);
            visitor.post(site.a(), &format!("/increment/n{number}")).await.is(200);
        }
    };
    asks(0, 20).await;
    let in_vain = growth(&site, "cloakroom_foreseen_in_vain_bytes_total", asks(20, 100)).await;
    assert_eq!(in_vain, 0.0);
    let all = metrics(site.a()).await;
    let routes = all.get("cloakroom_foreseen_routes").copied().unwrap_or_default();
    assert_eq!(routes, 1.0, "extractors name what the other reads");
}

/// Of a large session, each request carries what it reads.
async fn a_large_session_costs_what_is_read(backend: Backend) {
    let site = Site::start(backend, &[]).await;
    let (mut visitor, _) = Visitor::with_session(site.a()).await;
    visitor.post(site.a(), "/fill?attributes=50&bytes=4000").await.is(204);
    let increments = async {
        for _ in 0..10 {
            visitor.post(site.a(), "/increment/visits").await.is(200);
        }
    };
    let bytes = growth(&site, "cloakroom_read_bytes_total", increments).await;
    assert!(bytes <= 10.0 * "visits1".len() as f64, "{bytes}");
}
