use std::future::poll_fn;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{Feed, Notice, Store};

use super::held::Held;

/// How long to wait before a new feed is asked for, after the first that broke and at most.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Does what the feeds tell, one feed after the other.
pub(super) async fn listen<S: Store>(store: Arc<S>, held: Arc<Held>) {
    let mut failures = 0;
    loop {
        if let Some(feed) = store.feed()
            && follow(feed, &held).await
        {
            failures = 0;
        }
        held.feed_broke();
        failures += 1;
        tokio::time::sleep(pause(failures)).await;
    }
}

/// Follows a feed until it breaks, and returns whether it was ever whole.
async fn follow(mut feed: Feed, held: &Held) -> bool {
    let mut was_whole = false;
    loop {
        match poll_fn(|cx| feed.as_mut().poll_next(cx)).await {
            Some(Ok(notice)) => {
                was_whole |= matches!(notice, Notice::CaughtUp(_));
                held.told(notice);
            }
            Some(Err(error)) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, source, "the feed of changed sessions broke; the near cache is empty");
                return was_whole;
            }
            None => {
                tracing::warn!("the feed of changed sessions ended; the near cache is empty");
                return was_whole;
            }
        }
    }
}

/// Returns a time that grows with the failures in a row; by chance between half and the whole of it, so that not all nodes
/// come back together.
fn pause(failures: u32) -> Duration {
    let whole = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST);
    let chance = u32::try_from(RandomState::new().hash_one(failures) >> 32).unwrap_or(u32::MAX);
    whole / 2 + (whole / 2).mul_f64(f64::from(chance) / f64::from(u32::MAX))
}
