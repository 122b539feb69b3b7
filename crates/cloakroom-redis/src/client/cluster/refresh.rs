use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use redis::{ConnectionAddr, ErrorKind, RedisError, RedisResult};
use tokio::sync::watch;

use super::Cluster;
use super::topology::{self, Address, Range};
use crate::client::{Link, Open};

/// How long a server may take to tell the topology.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How long at least from one question for the topology to the next.
const PAUSE: Duration = Duration::from_millis(200);

impl Cluster {
    /// Asks for the topology, if nobody does so already, and does not wait for it.
    pub(super) fn refresh_soon(&self) {
        drop(self.begin());
    }

    /// Asks for the topology, and waits until it is there.
    pub(super) async fn refresh(&self) -> RedisResult<()> {
        if let Some(mut refreshing) = self.begin() {
            // An error says that the channel has closed, which is what is waited for.
            let _ = refreshing.changed().await;
        }
        self.0.lock().failure.clone().map_or(Ok(()), Err)
    }

    /// Returns the primaries with their addresses.
    pub(in crate::client) async fn named_primaries(&self) -> RedisResult<Vec<(Address, Link)>> {
        self.primaries().await?;
        Ok(self.0.lock().topology.named_primaries())
    }

    /// Asks each of these servers who the primaries are, and returns whether all say that it is they.
    pub(in crate::client) async fn are_primaries(&self, known: &[(&Address, &Link)]) -> RedisResult<bool> {
        let told = try_join_all(known.iter().map(|((host, _), link)| ask(host, link))).await;
        let are_they = told.as_ref().is_ok_and(|told| {
            told.iter().all(|ranges| topology::addresses(ranges).into_iter().eq(known.iter().map(|it| it.0)))
        });
        if !are_they {
            self.refresh_soon();
        }
        told.map(|_| are_they)
    }

    /// All who need the topology share one question, in a task of its own; after it the next one waits a little.
    fn begin(&self) -> Option<watch::Receiver<()>> {
        let mut state = self.0.lock();
        if state.refreshing.is_some() {
            return state.refreshing.clone();
        }
        if state.next_refresh.is_some_and(|next| Instant::now() < next) {
            return None;
        }
        let (over, refreshing) = watch::channel(());
        state.refreshing = Some(refreshing.clone());
        let question = Question { cluster: self.clone(), is_over: false, _over: over };
        tokio::spawn(async move {
            let told = question.cluster.ask_all().await;
            question.over(told);
        });
        Some(refreshing)
    }

    fn told(&self, told: RedisResult<(String, Vec<Range>)>) {
        let mut state = self.0.lock();
        state.refreshing = None;
        state.next_refresh = Some(Instant::now() + PAUSE);
        let result = told.and_then(|(host, ranges)| {
            state.topology.update(host, ranges, |host, port| self.open(host, port))
        });
        if let Err(error) = &result {
            tracing::warn!(%error, "no server of the cluster tells its topology");
        }
        state.failure = result.err();
    }

    /// Asks one server after the other until one answers: those that are known, first those that were there last, and those that
    /// the user named.
    async fn ask_all(&self) -> RedisResult<(String, Vec<Range>)> {
        let mut last =
            RedisError::from((ErrorKind::ClusterConnectionNotFound, "no server of the cluster answers"));
        let mut known = self.0.lock().topology.links();
        known.sort_by_key(|(_, link)| !link.is_open());
        for seed in &self.0.seeds {
            if let ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } = seed.addr() {
                known.push((host.clone(), Link::new(Open::server(redis::Client::open(seed.clone())?))));
            }
        }
        for (host, link) in known {
            match tokio::time::timeout(TIMEOUT, ask(&host, &link)).await {
                Ok(Ok(ranges)) if !ranges.is_empty() => return Ok((host, ranges)),
                Ok(Ok(_)) | Err(_) => {}
                Ok(Err(error)) => last = error,
            }
        }
        Err(last)
    }
}

/// A question for the topology. If it ends otherwise than it should, it has failed.
struct Question {
    cluster: Cluster,
    is_over: bool,
    /// Tells all who wait, once the answer is there.
    _over: watch::Sender<()>,
}

impl Question {
    fn over(mut self, told: RedisResult<(String, Vec<Range>)>) {
        self.is_over = true;
        self.cluster.told(told);
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if !self.is_over {
            self.cluster.told(Err((ErrorKind::Io, "a question for the topology was broken off").into()));
        }
    }
}

async fn ask(host: &str, link: &Link) -> RedisResult<Vec<Range>> {
    let slots = link.send(redis::cmd("CLUSTER").arg("SLOTS")).await?.extract_error()?;
    let unreadable = || RedisError::from((ErrorKind::Parse, "the answer to CLUSTER SLOTS cannot be read"));
    topology::decode(slots, host).ok_or_else(unreadable)
}
