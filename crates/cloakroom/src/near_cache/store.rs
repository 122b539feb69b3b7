use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{
    About, Commit, Ended, Error, Feed, Freshness, Handle, Invalidate, Invalidated, Load, Loaded, Outcome,
    Principal, Select, SessionInfo, Store, Sweep,
};
use tokio_util::task::AbortOnDropHandle;

use super::NearCache;
use super::listen::listen;
use crate::telemetry;

/// How long the store may take to record an access that nobody waits for.
const PATIENCE: Duration = Duration::from_secs(10);

impl<S: Store> Store for NearCache<S> {
    fn about(&self) -> About {
        self.inner.store.about()
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        self.listen();
        if let Some(hit) = self.inner.held.look(load) {
            telemetry::near_cache_loaded("hit");
            if let Some(id) = hit.record {
                self.record(id, load);
            }
            return Ok(Loaded::Open(Box::new(hit.opened)));
        }
        telemetry::near_cache_loaded("miss");
        let loading = self.inner.held.begin(load);
        let answer = self.inner.store.load(loading.asks()).await;
        loading.over(answer.as_ref().ok());
        answer
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let held = &self.inner.held;
        let changing = held.change(commit.guard.handle);
        let outcome = self.inner.store.commit(commit).await?;
        if let Outcome::Committed(committed) = &outcome {
            changing.committed(committed.version);
            committed.ended.iter().for_each(|ended| held.forget_one(ended.handle));
        }
        Ok(outcome)
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        let _ending = self.inner.held.end(invalidate);
        let answer = self.inner.store.invalidate(invalidate).await?;
        if let Invalidated::Done(ended) = &answer {
            ended.iter().for_each(|ended| self.inner.held.forget_one(ended.handle));
        }
        Ok(answer)
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        self.inner.store.sessions_of(principal).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        let ended = self.inner.store.sweep(sweep).await?;
        ended.iter().for_each(|ended| self.inner.held.forget_one(ended.handle));
        Ok(ended)
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        self.inner.store.acknowledge(handles).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.inner.store.ping().await
    }

    fn feed(&self) -> Option<Feed> {
        self.inner.store.feed()
    }
}

impl<S: Store> NearCache<S> {
    /// Begins to listen to the store, if that has not been done.
    fn listen(&self) {
        self.inner.listening.get_or_init(|| {
            let (store, held) = (Arc::clone(&self.inner.store), Arc::clone(&self.inner.held));
            AbortOnDropHandle::new(tokio::spawn(listen(store, held)))
        });
    }

    /// Tells the store of an access, beside the request.
    fn record(&self, id: u64, load: &Load) {
        let (guard, touch) = (load.guard, load.touch);
        let (store, held) = (Arc::clone(&self.inner.store), Arc::clone(&self.inner.held));
        self.inner.accesses.spawn(async move {
            let load = Load { guard, select: Select::default(), touch, freshness: Freshness::Latest };
            let here = held.here();
            let answer = tokio::time::timeout(PATIENCE, store.load(&load)).await;
            let loaded = answer.as_ref().ok().and_then(|answer| answer.as_ref().ok());
            held.recorded(id, &guard, touch, loaded, here);
            if let Ok(Err(error)) = answer {
                tracing::debug!(session.handle = %guard.handle, %error, "an access was not recorded");
            }
        });
    }
}
