use cloakroom_core::{Error, Handle, Principal, SessionInfo};

use super::end::Theirs;
use super::{NatsStore, at};
use crate::jet::Guarded;
use crate::pauses::Pauses;
use crate::subjects::Kept;
use crate::wire::Index;

const LIST: &str = "list sessions";

/// The header of what is no session.
const INDEX: &str = "p";

impl NatsStore {
    pub(super) async fn list(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        let (_, index) = self.index(LIST, principal).await?;
        let handles = index.listed.iter().map(|it| it.handle).collect();
        let found = self.live_among(LIST, principal, handles).await?;
        self.forget_gone(principal, &index, &found).await?;
        let live = found.into_iter().filter_map(|(handle, theirs)| Some((handle, theirs.live()?.record)));
        let mut sessions: Vec<_> = live
            .map(|(handle, record)| SessionInfo {
                handle,
                created_at: record.created_at,
                accessed_at: record.accessed_at,
                signed_in_at: record.signed_in_at,
                label: record.label,
            })
            .collect();
        sessions.sort_by_key(|session| (session.signed_in_at, session.handle));
        Ok(sessions)
    }

    /// Removes from the index what is not theirs, unless it was entered just now: then it may be about to become theirs.
    pub(super) async fn forget_gone(
        &self,
        principal: &Principal,
        index: &Index,
        found: &[(Handle, Theirs)],
    ) -> Result<(), Error> {
        let now = self.clock.now(&self.jet).await.map_err(at(LIST))?;
        let is_old = |handle: Handle| {
            let listed = index.listed.iter().find(|it| it.handle == handle);
            listed.is_some_and(|it| it.since.plus(super::later::SETTLED) < now)
        };
        let gone = found.iter().filter(|(handle, theirs)| matches!(theirs, Theirs::Not) && is_old(*handle));
        let gone: Vec<Handle> = gone.map(|(handle, _)| *handle).collect();
        if !gone.is_empty() {
            self.leave_later(principal.clone(), gone);
        }
        Ok(())
    }

    /// Reads a principal's index, and the sequence of its message.
    pub(super) async fn index(
        &self,
        during: &'static str,
        principal: &Principal,
    ) -> Result<(Option<u64>, Index), Error> {
        let message = self.jet.last(&self.subjects.principal(principal)).await.map_err(at(during))?;
        let Some(message) = message else { return Ok((None, Index::default())) };
        let index = Index::decode(message.body).map_err(|damaged| damaged.during(during))?;
        Ok((Some(message.sequence), index))
    }

    /// Changes a principal's index, unless `change` says that there is nothing to change; returns it as it is then.
    pub(super) async fn change_index(
        &self,
        during: &'static str,
        principal: &Principal,
        mut change: impl FnMut(&mut Index) -> bool + Send,
    ) -> Result<Index, Error> {
        let subject = self.subjects.principal(principal);
        let mut pauses = Pauses::default();
        loop {
            let (sequence, mut index) = self.index(during, principal).await?;
            if !change(&mut index) {
                return Ok(index);
            }
            let guard = Guarded::after(sequence);
            let body = index.encode().into();
            let stored = self.jet.store_after(guard, &subject, (super::load::KIND, INDEX), body).await;
            if let Some(sequence) = stored.map_err(at(during))? {
                if index.is_empty() {
                    self.remove_later(Kept::Sessions, vec![(subject, sequence)]);
                }
                return Ok(index);
            }
            pauses.pause().await;
        }
    }
}
