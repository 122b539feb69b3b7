use cloakroom::core::{
    About, Commit, Ended, Error, Feed, Handle, Invalidate, Invalidated, Load, Loaded, Outcome, Principal,
    SessionInfo, Store, Sweep,
};

use super::meter::Meter;

/// A store that counts what is asked of the one inside it.
///
/// What a store is asked for happens in the task of its request, at least at first; so the meter is found before the
/// first wait.
#[derive(Debug)]
pub(crate) struct Counting<S>(pub(crate) S);

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for Counting<S> {
    fn about(&self) -> About {
        self.0.about()
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        let meter = Meter::current();
        let answer = self.0.load(load).await?;
        meter.loaded(load, &answer);
        Ok(answer)
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let meter = Meter::current();
        let answer = self.0.commit(commit).await?;
        meter.committed(commit, &answer);
        Ok(answer)
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        let meter = Meter::current();
        let answer = self.0.invalidate(invalidate).await?;
        meter.noted("invalidate");
        Ok(answer)
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        let meter = Meter::current();
        let answer = self.0.sessions_of(principal).await?;
        meter.noted("list");
        Ok(answer)
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        self.0.sweep(sweep).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        self.0.acknowledge(handles).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.0.ping().await
    }

    fn feed(&self) -> Option<Feed> {
        self.0.feed()
    }
}
