//! The cases for a feed, which the reference store has none of: a store around it that has one, and two that are broken.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_core::{
    About, Commit, Ended, Error, Feed, Handle, Invalidate, Invalidated, Load, Loaded, Notice, Outcome,
    Principal, SessionInfo, Store, Sweep,
};
use cloakroom_testkit::{Harness, ReferenceHarness, ReferenceStore, Report, run_matching};
use futures_util::stream;
use tokio::sync::broadcast;
use tokio::time::timeout;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tells {
    Everything,
    NoEnds,
    NoCommits,
    Neighbours,
    NotWhatItHasTold,
}

/// The reference store, and a channel that every change is told on.
struct Telling {
    inner: ReferenceStore,
    channel: broadcast::Sender<Notice>,
    tells: Tells,
}

impl Telling {
    fn ended(&self, handle: Option<Handle>) {
        if self.tells != Tells::NoEnds {
            let _ = self.channel.send(Notice::Ended { handle });
        }
    }
}

impl Store for Telling {
    fn about(&self) -> About {
        self.inner.about()
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        self.inner.load(load).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let outcome = self.inner.commit(commit).await?;
        if let Outcome::Committed(committed) = &outcome {
            let (handle, version) = (commit.guard.handle, committed.version);
            if self.tells != Tells::NoCommits {
                let _ = self.channel.send(Notice::Committed { handle, version });
            }
            committed.ended.iter().for_each(|ended| self.ended(Some(ended.handle)));
        }
        Ok(outcome)
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        let answer = self.inner.invalidate(invalidate).await?;
        match (&answer, invalidate) {
            (_, Invalidate::Everyone) => self.ended(None),
            (Invalidated::Done(ended), _) => ended.iter().for_each(|ended| self.ended(Some(ended.handle))),
            _ => {}
        }
        Ok(answer)
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        self.inner.sessions_of(principal).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        self.inner.sweep(sweep).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        self.inner.acknowledge(handles).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.inner.ping().await
    }

    fn feed(&self) -> Option<Feed> {
        let (notices, tells) = (self.channel.subscribe(), self.tells);
        Some(Box::pin(stream::unfold(notices, move |mut notices| async move {
            Some((Ok(next(&mut notices, tells).await?), notices))
        })))
    }
}

/// A commit is in the channel before it is acknowledged: one that is empty has told everything from before it was looked at.
async fn next(notices: &mut broadcast::Receiver<Notice>, tells: Tells) -> Option<Notice> {
    loop {
        if let Ok(notice) = timeout(Duration::from_millis(100), notices.recv()).await {
            return notice.ok();
        }
        let moment = Instant::now();
        if tells != Tells::NotWhatItHasTold && notices.is_empty() {
            return Some(Notice::CaughtUp(moment));
        }
    }
}

struct TellingHarness {
    inner: ReferenceHarness,
    channels: [broadcast::Sender<Notice>; 2],
    tells: Tells,
}

impl TellingHarness {
    fn telling(&self, inner: ReferenceStore, channel: usize) -> Arc<Telling> {
        let channel = if self.tells == Tells::Neighbours { 0 } else { channel };
        let channel = self.channels[channel].clone();
        Arc::new(Telling { inner, channel, tells: self.tells })
    }
}

impl Harness for TellingHarness {
    type Store = Arc<Telling>;

    async fn store(&self) -> Self::Store {
        self.telling(self.inner.store().await, 0)
    }

    async fn neighbour(&self) -> Self::Store {
        self.telling(self.inner.neighbour().await, 1)
    }

    fn unit(&self) -> Duration {
        self.inner.unit()
    }

    async fn advance(&self, by: Duration) {
        self.inner.advance(by).await;
    }

    fn is_exact(&self) -> bool {
        true
    }
}

async fn report(tells: Tells, group: &str) -> Report {
    let make = || async move {
        let channels = [broadcast::channel(1000).0, broadcast::channel(1000).0];
        TellingHarness { inner: ReferenceHarness::new().await, channels, tells }
    };
    run_matching(make, |name| name.starts_with(group)).await
}

async fn failures(tells: Tells) -> Vec<&'static str> {
    let report = report(tells, "feed::").await;
    report.failures().map(|verdict| verdict.name()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_tells_everything_passes() {
    let report = report(Tells::Everything, "").await;
    assert!(report.is_passed(), "{report}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_told_is_caught() {
    assert_eq!(failures(Tells::NoEnds).await, ["feed::a_feed_tells_of_ends"]);
    assert!(failures(Tells::NoCommits).await.contains(&"feed::a_feed_tells_of_commits"));
    assert_eq!(failures(Tells::Neighbours).await, ["feed::a_feed_keeps_to_its_own"]);
    assert_eq!(failures(Tells::NotWhatItHasTold).await, ["feed::a_feed_tells_that_it_has_caught_up"]);
}
