//! Near caches in two servers of one application: what one does, the other sees, never later than two seconds.

mod apart;
mod broken;
mod kit;
mod seen;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Server, Visitor, eventually};

/// How old an answer may be at most.
const BOUND: Duration = Duration::from_secs(2);

/// Returns how many loads a server has answered from memory.
async fn hits(server: &Server) -> u64 {
    let metrics = Visitor::new().get(server, "/metrics").await.is(200);
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    let line =
        text.lines().find_map(|line| line.strip_prefix(r#"cloakroom_near_cache_loads_total{result="hit"} "#));
    line.map_or(0, |count| count.parse().unwrap())
}

/// Waits until a server reads this attribute of a session from memory.
async fn keeps(server: &Server, visitor: &Visitor, name: &str) {
    eventually(|| async {
        let before = hits(server).await;
        visitor.clone().attribute(server, name).await;
        hits(server).await > before
    })
    .await;
}

/// Asks again and again until the answer is the new one. One that was asked for later than the bound after the change was
/// acknowledged must be.
async fn seen_in_time(acknowledged: Instant, mut is_new: impl AsyncFnMut() -> bool) {
    loop {
        let asked = Instant::now();
        if is_new().await {
            return;
        }
        assert!(asked < acknowledged + BOUND, "an answer from before a change, later than the bound");
    }
}

/// Returns whether a session is one that is not there.
async fn is_gone(server: &Server, visitor: &Visitor) -> bool {
    visitor.clone().session(server).await["handle"] == Value::Null
}
