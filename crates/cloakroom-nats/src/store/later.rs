//! What nobody waits for. If it is not done, because the process ends or the server is away, it is garbage that sweeps and
//! lists find.

use std::time::Duration;

use cloakroom_core::{Error, Handle, Principal, Timestamp};
use futures_util::stream::{self, StreamExt as _};

use super::end::Theirs;
use super::{NatsStore, at};
use crate::error::Failure;
use crate::subjects::Kept;
use crate::wire::{Listed, Place};

/// After how long nothing can be on its way any more that was decided on before.
pub(super) const SETTLED: Duration = Duration::from_secs(60);

const AT_ONCE: usize = 16;

const FORGET: &str = "forget";

impl NatsStore {
    /// Removes parts of a session's values.
    pub(super) fn remove_parts_later(&self, handle: Handle, places: Vec<Place>) {
        let parts = places.into_iter().map(|it| (self.subjects.part(handle, &it), it.sequence));
        self.remove_later(Kept::Values, parts.collect());
    }

    /// Removes messages, each if it has this subject: in a stream that was made anew another has its number.
    pub(super) fn remove_later(&self, kept: Kept, messages: Vec<(String, u64)>) {
        if messages.is_empty() {
            return;
        }
        let jet = self.jet.clone();
        tokio::spawn(async move {
            let removals = messages.into_iter().map(|(subject, sequence)| {
                let jet = &jet;
                async move { jet.remove_if(kept, &subject, sequence).await.map_err(log) }
            });
            stream::iter(removals).buffer_unordered(AT_ONCE).for_each(|_| std::future::ready(())).await;
        });
    }

    /// Notes that a sweep is to look at a session then.
    pub(super) fn look_later(&self, handle: Handle, at_moment: Timestamp, now: Timestamp) {
        let store = self.clone();
        tidy_later(async move { store.queue(handle, at_moment, now).await.map_err(at(FORGET)) });
    }

    /// Removes a session that was ended at this moment from its principal's index. What was entered since is another of its handle.
    pub(super) fn forget_later(&self, principal: Principal, handle: Handle, ended_at: Timestamp) {
        let store = self.clone();
        tidy_later(async move {
            store.change_index(FORGET, &principal, |index| index.leave(handle, ended_at)).await.map(drop)
        });
    }

    /// Removes sessions that are not theirs any more from a principal's index.
    pub(super) fn leave_later(&self, principal: Principal, handles: Vec<Handle>) {
        let store = self.clone();
        tidy_later(async move { store.leave(&principal, &handles).await });
    }

    /// Leaves sessions in the index that are theirs: one may have been signed in to again. One that was entered not long ago may be
    /// about to become theirs.
    async fn leave(&self, principal: &Principal, handles: &[Handle]) -> Result<(), Error> {
        let (_, before) = self.index(FORGET, principal).await?;
        let found = self.live_among(FORGET, principal, handles.to_vec()).await?;
        let gone =
            found.into_iter().filter(|(_, theirs)| matches!(theirs, Theirs::Not)).map(|(handle, _)| handle);
        let gone: Vec<_> = gone.collect();
        let now = self.clock.now(&self.jet).await.map_err(at(FORGET))?;
        let is_past = |it: &Listed| {
            gone.contains(&it.handle) && before.listed.contains(it) && it.since.plus(SETTLED) < now
        };
        self.change_index(FORGET, principal, |index| {
            let count = index.listed.len();
            index.listed.retain(|it| !is_past(it));
            index.listed.len() < count
        })
        .await
        .map(drop)
    }
}

fn tidy_later(tidy: impl Future<Output = Result<(), Error>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = tidy.await {
            tracing::debug!(%error, "something is left for sweeps or lists to find");
        }
    });
}

fn log(failure: Failure) {
    tracing::debug!(error = %failure.during("remove"), "garbage is left for later");
}
