use std::sync::atomic::Ordering;

use super::RedisStore;

impl RedisStore {
    /// Looks once, in the background, whether a server may drop sessions when its memory is full, and warns.
    pub(super) fn look_at_eviction(&self) {
        if self.is_looked_at.load(Ordering::Relaxed) || self.is_looked_at.swap(true, Ordering::Relaxed) {
            return;
        }
        let client = self.client.clone();
        tokio::spawn(async move {
            for info in client.memory_infos().await {
                if let Some(policy) = evicting_policy(&info) {
                    tracing::warn!(
                        policy,
                        "redis may drop sessions when its memory is full: set maxmemory-policy to noeviction"
                    );
                    break;
                }
            }
        });
    }
}

/// Returns the policy by which a server drops keys that are still wanted, out of its answer to `INFO memory`.
fn evicting_policy(info: &str) -> Option<&str> {
    let field = |name| info.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'));
    let policy = field("maxmemory_policy")?;
    let is_bounded = field("maxmemory").is_some_and(|bytes| bytes != "0");
    (is_bounded && policy != "noeviction").then_some(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_matters_where_memory_is_bounded() {
        let info = |max, policy| format!("# Memory\r\nmaxmemory:{max}\r\nmaxmemory_policy:{policy}\r\n");
        assert_eq!(evicting_policy(&info(100, "volatile-lru")), Some("volatile-lru"));
        assert_eq!(evicting_policy(&info(100, "allkeys-random")), Some("allkeys-random"));
        assert_eq!(evicting_policy(&info(100, "noeviction")), None);
        assert_eq!(evicting_policy(&info(0, "allkeys-lru")), None);
        assert_eq!(evicting_policy("nonsense"), None);
    }
}
