use std::future::Future;
use std::pin::Pin;

use crate::commit::{Commit, Outcome};
use crate::ended::{Ended, Invalidate, Invalidated, SessionInfo, Sweep};
use crate::error::Error;
use crate::feed::Feed;
use crate::load::{Load, Loaded};
use crate::store::{About, Store};
use crate::text::Principal;
use crate::ticket::Handle;

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The object-safe twin of [`Store`], for choosing a store at run time: `Arc<dyn DynStore>` is a store.
///
/// Every store has it; implement [`Store`] instead.
#[expect(missing_docs, reason = "each method is that of `Store`, boxed")]
pub trait DynStore: Send + Sync + 'static {
    fn dyn_about(&self) -> About;
    fn dyn_load<'a>(&'a self, load: &'a Load) -> BoxFuture<'a, Result<Loaded, Error>>;
    fn dyn_commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Outcome, Error>>;
    fn dyn_invalidate<'a>(&'a self, invalidate: &'a Invalidate) -> BoxFuture<'a, Result<Invalidated, Error>>;
    fn dyn_sessions_of<'a>(
        &'a self,
        principal: &'a Principal,
    ) -> BoxFuture<'a, Result<Vec<SessionInfo>, Error>>;
    fn dyn_sweep<'a>(&'a self, sweep: &'a Sweep) -> BoxFuture<'a, Result<Vec<Ended>, Error>>;
    fn dyn_acknowledge<'a>(&'a self, handles: &'a [Handle]) -> BoxFuture<'a, Result<(), Error>>;
    fn dyn_ping(&self) -> BoxFuture<'_, Result<(), Error>>;
    fn dyn_feed(&self) -> Option<Feed>;
}

impl<S: Store> DynStore for S {
    fn dyn_about(&self) -> About {
        self.about()
    }

    fn dyn_load<'a>(&'a self, load: &'a Load) -> BoxFuture<'a, Result<Loaded, Error>> {
        Box::pin(self.load(load))
    }

    fn dyn_commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Outcome, Error>> {
        Box::pin(self.commit(commit))
    }

    fn dyn_invalidate<'a>(&'a self, invalidate: &'a Invalidate) -> BoxFuture<'a, Result<Invalidated, Error>> {
        Box::pin(self.invalidate(invalidate))
    }

    fn dyn_sessions_of<'a>(
        &'a self,
        principal: &'a Principal,
    ) -> BoxFuture<'a, Result<Vec<SessionInfo>, Error>> {
        Box::pin(self.sessions_of(principal))
    }

    fn dyn_sweep<'a>(&'a self, sweep: &'a Sweep) -> BoxFuture<'a, Result<Vec<Ended>, Error>> {
        Box::pin(self.sweep(sweep))
    }

    fn dyn_acknowledge<'a>(&'a self, handles: &'a [Handle]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.acknowledge(handles))
    }

    fn dyn_ping(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.ping())
    }

    fn dyn_feed(&self) -> Option<Feed> {
        self.feed()
    }
}
