//! Timed writes to a store that is away for a while.

use serde_json::json;

use crate::support::{Backend, Outage, Site, Visitor, eventually, for_each_single_server};

for_each_single_server!(a_store_that_is_away_for_a_while_gets_it_when_it_is_back);

async fn a_store_that_is_away_for_a_while_gets_it_when_it_is_back(backend: Backend) {
    // Nothing is written between what is set and the outage.
    let options = ["--write-every", "10s", "--store-timeout", "3s"];
    let site = Site::start_breakable(backend, &options).await;
    let mut visitor = Visitor::new();
    visitor.set(site.a(), "a", 1).await;
    visitor.set(site.a(), "a", 2).await;
    for hangs in [false, true] {
        visitor.set(site.a(), "a", json!(["before", hangs])).await;
        let failures = || site.a().log().matches("cannot write sessions held back").count();
        let before = failures();
        let outage = if hangs { Outage::hang(&site).await } else { Outage::begin(&site).await };
        visitor.clone().get(site.a(), "/attributes/a").await.is(503).without_cookie();
        visitor.clone().put(site.a(), "/attributes/a", 3).await.is(503).without_cookie();
        eventually(async || failures() > before).await;
        outage.end().await;
        let value = Some(json!(["before", hangs]));
        let status = async || visitor.clone().get(site.a(), "/attributes/a").await.status;
        eventually(async || status().await == 200).await;
        assert_eq!(visitor.attribute(site.a(), "a").await, value);
        let late = Visitor::holding(visitor.ticket.clone().unwrap());
        let reads = async || late.clone().get(site.b(), "/attributes/a").await;
        eventually(async || {
            let answer = reads().await;
            answer.status == 200 && Some(answer.json()) == value
        })
        .await;
    }
}
