use std::future::{Future, pending};

use cloakroom_core::{
    About, Commit, Ended, Error, Feed, Handle, Invalidate, Invalidated, Load, Loaded, Outcome, Principal,
    SessionInfo, Store, Sweep,
};

use super::{Call, Fault, Faults, Moment};

/// A store around a store that fails, hangs and waits on command.
///
/// See the [module's description](super).
#[derive(Clone, Debug)]
pub struct Faulty<S> {
    inner: S,
    faults: Faults,
}

impl<S: Store> Faulty<S> {
    /// Wraps a store. As long as nothing is injected and nothing held, it behaves as that store.
    pub fn new(inner: S) -> Self {
        let faults = Faults::default();
        Self { inner, faults }
    }

    /// Returns what this store is commanded with.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    async fn run<T: Send>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let operation = call.operation();
        let fault = self.faults.arrive(call);
        self.faults.pass(operation, Moment::Before).await;
        match fault {
            Some(Fault::Fail(kind)) => return Err(Error::of(kind, operation.name())),
            Some(Fault::Delay(by)) => tokio::time::sleep(by).await,
            Some(Fault::Hang) => pending().await,
            _ => {}
        }
        let answer = work.await;
        self.faults.pass(operation, Moment::After).await;
        match fault {
            Some(Fault::LoseAnswer(kind)) => Err(Error::of(kind, operation.name())),
            Some(Fault::HangApplied) => pending().await,
            _ => answer,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for Faulty<S> {
    fn about(&self) -> About {
        self.inner.about()
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        self.run(Call::Load(load.clone()), self.inner.load(load)).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let call = Call::Commit(Box::new(commit.clone()));
        self.run(call, self.inner.commit(commit)).await
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        let call = Call::Invalidate(invalidate.clone());
        self.run(call, self.inner.invalidate(invalidate)).await
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        let call = Call::SessionsOf(principal.clone());
        self.run(call, self.inner.sessions_of(principal)).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        self.run(Call::Sweep(sweep.clone()), self.inner.sweep(sweep)).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        let call = Call::Acknowledge(handles.to_vec());
        self.run(call, self.inner.acknowledge(handles)).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.run(Call::Ping, self.inner.ping()).await
    }

    fn feed(&self) -> Option<Feed> {
        self.inner.feed()
    }
}
