use std::time::Duration;

use cloakroom_core::{
    About, Commit, Ended, Error, ErrorKind, Feed, Handle, Invalidate, Invalidated, Load, Loaded, Outcome,
    Principal, SessionInfo, Store, Sweep, Wanted,
};

use super::{PassivatingStore, Shared};
use crate::error::Chain;
use crate::memory::{LoadedHere, Swept, is_away};

/// How long an expired session whose values cannot be read is left alone.
const LATER: Duration = Duration::from_secs(60);

impl Store for PassivatingStore {
    fn about(&self) -> About {
        self.shared.memory.about()
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        loop {
            let entered = self.shared.enter("load").await?;
            if let LoadedHere::Answer(answer) = self.shared.memory.load_here(load) {
                return Ok(answer);
            }
            drop(entered);
            self.shared.activate(load.guard.handle).await?;
        }
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let handle = commit.guard.handle;
        loop {
            self.shared.room_for(commit).await?;
            let entered = self.shared.enter("commit").await?;
            let answer = self.shared.memory.commit(commit).await;
            drop(entered);
            match answer {
                Err(error) if is_away(&error) => self.shared.activate(handle).await?,
                answer => {
                    self.shared.wake_if_over(handle);
                    return answer;
                }
            }
        }
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        let _entered = self.shared.enter("invalidate").await?;
        self.shared.memory.invalidate(invalidate).await
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        let _entered = self.shared.enter("list").await?;
        self.shared.memory.sessions_of(principal).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        if !matches!(sweep.select.values, Wanted::Nothing) {
            return self.shared.sweep_values(sweep).await;
        }
        let _entered = self.shared.enter("sweep").await?;
        self.shared.memory.sweep(sweep).await
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        let _entered = self.shared.enter("acknowledge").await?;
        self.shared.memory.acknowledge(handles).await
    }

    /// Succeeds also while the disk fails: then memory does the work. See [`is_failing`](Self::is_failing).
    async fn ping(&self) -> Result<(), Error> {
        self.shared.enter("ping").await.map(|_| ())
    }

    /// None: nobody but this process changes a session.
    fn feed(&self) -> Option<Feed> {
        None
    }
}

impl Shared {
    /// Hands out expired sessions with values, those on disk brought back first.
    async fn sweep_values(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        let mut ended = Vec::new();
        for shard in 0..self.memory.shards() {
            while ended.len() < sweep.limit as usize {
                let entered = self.enter("sweep").await?;
                let swept = self.memory.sweep_one(shard, sweep);
                drop(entered);
                match swept {
                    Swept::Nothing => break,
                    Swept::Ended(one) => ended.extend(one),
                    Swept::Away(handle) => ended.extend(self.activate_expired(handle, sweep).await),
                }
            }
        }
        Ok(ended)
    }

    /// Brings an expired session back. One that cannot be read now is left for a later sweep; what is damaged for good is
    /// handed out without its values.
    async fn activate_expired(&self, handle: Handle, sweep: &Sweep) -> Option<Ended> {
        let error = self.activate(handle).await.err()?;
        if error.kind() == ErrorKind::Corrupt {
            return self.memory.hand_out(handle, sweep);
        }
        tracing::warn!(session.handle = %handle, error = %Chain(&error), "an expired session cannot be read; trying again later");
        self.memory.postpone(handle, LATER);
        None
    }
}
