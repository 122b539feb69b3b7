//! Near caches in two servers of one application: what one does, the other sees, never later than two seconds.

mod apart;
mod broken;
mod kit;
mod seen;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{PATIENCE, Server, Visitor, eventually, served};

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
        let answer = visitor.clone().get(server, &format!("/attributes/{name}")).await;
        answer.status == 200 && hits(server).await > before
    })
    .await;
}

/// Asks again and again until the answer is the new one. One that was asked for later than the bound after the change was
/// acknowledged must be. `None`: there was no answer.
async fn seen_in_time(acknowledged: Instant, mut is_new: impl AsyncFnMut() -> Option<bool>) {
    while acknowledged.elapsed() < PATIENCE {
        let asked = Instant::now();
        match is_new().await {
            Some(true) => return,
            Some(false) => {
                assert!(asked < acknowledged + BOUND, "an answer from before a change, later than the bound");
            }
            None => {}
        }
    }
    panic!("the new answer never came");
}

/// Returns whether a session is one that is not there.
async fn is_gone(server: &Server, visitor: &Visitor) -> bool {
    served(visitor, server, "/session").await.is(200).json()["handle"] == Value::Null
}
