use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use crate::commit::{Commit, Outcome};
use crate::ended::{Ended, Invalidate, Invalidated, SessionInfo, Sweep};
use crate::error::{Error, ErrorKind};
use crate::feed::Feed;
use crate::load::{Load, Loaded};
use crate::store::{About, Store};
use crate::text::Principal;
use crate::ticket::Handle;

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The answer of a store whose type is not known: a future.
///
/// That of a store which has [its answers at once](Store::AT_ONCE) is there already; any other's is boxed.
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Answer<'a, T>(Stage<'a, T>);

enum Stage<'a, T> {
    Ready(Ready<T>),
    Waiting(BoxFuture<'a, T>),
}

impl<T> Future for Answer<'_, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match &mut self.get_mut().0 {
            Stage::Ready(answer) => Pin::new(answer).poll(cx),
            Stage::Waiting(answer) => answer.as_mut().poll(cx),
        }
    }
}

impl<T> fmt::Debug for Stage<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Waiting(_) => "Waiting",
        })
    }
}

/// Begins an operation on a store that has its answers at once, or has not.
fn begin<'a, T>(
    at_once: bool,
    operation: impl Future<Output = Result<T, Error>> + Send + 'a,
) -> Answer<'a, Result<T, Error>> {
    if !at_once {
        return Answer(Stage::Waiting(Box::pin(operation)));
    }
    let answer = match pin!(operation).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => Err(Error::of(ErrorKind::Other, "a store that was to answer at once")),
    };
    Answer(Stage::Ready(ready(answer)))
}

/// The object-safe twin of [`Store`], for choosing a store at run time: `Arc<dyn DynStore>` is a store.
///
/// Every store has it; implement [`Store`] instead.
#[expect(missing_docs, reason = "each method is that of `Store`, with its future erased")]
pub trait DynStore: Send + Sync + 'static {
    fn dyn_about(&self) -> About;
    fn dyn_load<'a>(&'a self, load: &'a Load) -> Answer<'a, Result<Loaded, Error>>;
    fn dyn_commit<'a>(&'a self, commit: &'a Commit) -> Answer<'a, Result<Outcome, Error>>;
    fn dyn_invalidate<'a>(&'a self, invalidate: &'a Invalidate) -> Answer<'a, Result<Invalidated, Error>>;
    fn dyn_sessions_of<'a>(&'a self, principal: &'a Principal)
    -> Answer<'a, Result<Vec<SessionInfo>, Error>>;
    fn dyn_sweep<'a>(&'a self, sweep: &'a Sweep) -> Answer<'a, Result<Vec<Ended>, Error>>;
    fn dyn_acknowledge<'a>(&'a self, handles: &'a [Handle]) -> Answer<'a, Result<(), Error>>;
    fn dyn_ping(&self) -> Answer<'_, Result<(), Error>>;
    fn dyn_feed(&self) -> Option<Feed>;
    fn dyn_at_once(&self) -> bool;
}

impl<S: Store> DynStore for S {
    fn dyn_about(&self) -> About {
        self.about()
    }

    fn dyn_load<'a>(&'a self, load: &'a Load) -> Answer<'a, Result<Loaded, Error>> {
        begin(S::AT_ONCE, self.load(load))
    }

    fn dyn_commit<'a>(&'a self, commit: &'a Commit) -> Answer<'a, Result<Outcome, Error>> {
        begin(S::AT_ONCE, self.commit(commit))
    }

    fn dyn_invalidate<'a>(&'a self, invalidate: &'a Invalidate) -> Answer<'a, Result<Invalidated, Error>> {
        begin(S::AT_ONCE, self.invalidate(invalidate))
    }

    fn dyn_sessions_of<'a>(
        &'a self,
        principal: &'a Principal,
    ) -> Answer<'a, Result<Vec<SessionInfo>, Error>> {
        begin(S::AT_ONCE, self.sessions_of(principal))
    }

    fn dyn_sweep<'a>(&'a self, sweep: &'a Sweep) -> Answer<'a, Result<Vec<Ended>, Error>> {
        begin(S::AT_ONCE, self.sweep(sweep))
    }

    fn dyn_acknowledge<'a>(&'a self, handles: &'a [Handle]) -> Answer<'a, Result<(), Error>> {
        begin(S::AT_ONCE, self.acknowledge(handles))
    }

    fn dyn_ping(&self) -> Answer<'_, Result<(), Error>> {
        begin(S::AT_ONCE, self.ping())
    }

    fn dyn_feed(&self) -> Option<Feed> {
        self.feed()
    }

    fn dyn_at_once(&self) -> bool {
        S::AT_ONCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polled<T>(mut answer: Answer<'_, T>) -> Poll<T> {
        Pin::new(&mut answer).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_store_that_was_to_answer_at_once_and_waits_fails() {
        let forever = std::future::pending::<Result<(), Error>>;
        assert!(matches!(polled(begin(false, forever())), Poll::Pending));
        assert!(matches!(polled(begin(true, forever())), Poll::Ready(Err(_))));
        for at_once in [true, false] {
            assert!(matches!(polled(begin(at_once, ready(Ok(1)))), Poll::Ready(Ok(1))));
        }
    }
}
