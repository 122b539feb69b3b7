//! What nobody waits for. If it is not done, because the process ends or the server is away, it is garbage that sweeps and
//! lists find.

use std::time::Duration;

use cloakroom_core::{Handle, Principal};
use futures_util::stream::{self, StreamExt as _};

use super::NatsStore;
use crate::error::Failure;
use crate::subjects::Kept;
use crate::wire::Place;

/// After how long nothing can be on its way any more that was decided on before.
pub(super) const SETTLED: Duration = Duration::from_secs(60);

const AT_ONCE: usize = 16;

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

    /// Removes sessions from a principal's index.
    pub(super) fn leave_later(&self, principal: Principal, handles: Vec<Handle>) {
        let store = self.clone();
        tokio::spawn(async move {
            if let Err(error) = store.leave(&principal, &handles).await {
                tracing::debug!(%error, "an index holds more than there is");
            }
        });
    }

    /// Leaves sessions in the index that are theirs: one may have been signed in to again.
    async fn leave(&self, principal: &Principal, handles: &[Handle]) -> Result<(), cloakroom_core::Error> {
        let (_, before) = self.index("forget", principal).await?;
        let found = self.live_among("forget", principal, handles.to_vec()).await?;
        let gone = found.into_iter().filter(|(_, theirs)| theirs.is_none()).map(|(handle, _)| handle);
        let gone: Vec<_> = gone.collect();
        self.change_index("forget", principal, |index| {
            // One that was entered again since is about to be signed in to.
            let count = index.listed.len();
            index.listed.retain(|it| !(gone.contains(&it.handle) && before.listed.contains(it)));
            index.listed.len() < count
        })
        .await
        .map(drop)
    }
}

fn log(failure: Failure) {
    tracing::debug!(error = %failure.during("remove"), "garbage is left for later");
}
