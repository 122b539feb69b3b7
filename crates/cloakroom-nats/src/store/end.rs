use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    Admission, EndReason, Ended, Error, ErrorKind, Guard, Handle, Invalidate, Invalidated, Principal,
    StoredAttribute, Timestamp,
};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::current::Current;
use super::later::SETTLED;
use super::load::{names, unchanged};
use super::{NatsStore, at};
use crate::error::Failure;
use crate::jet::Guarded;
use crate::pauses::Pauses;
use crate::wire::{Listed, Manifest};

const INVALIDATE: &str = "invalidate";

/// The header of a message that says that a session has ended.
pub(super) const ENDED: &str = "e";

/// How many sessions are ended side by side.
pub(super) const AT_ONCE: usize = 32;

/// How long a sign-in may take between its entry in the index and its commit, for one that ends all of the principal's sessions
/// to wait for it. One that takes longer undoes itself.
pub(super) const UNDER_WAY: Duration = Duration::from_secs(1);

/// How long to wait before looking again.
pub(super) const PAUSE: Duration = Duration::from_millis(10);

/// What became of a session that was to be ended.
pub(super) enum End {
    Ended(Box<Ended>),
    Superseded,
    /// It is not there, has expired, or is not theirs.
    Nothing,
}

impl NatsStore {
    pub(super) async fn end(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        let ended = match invalidate {
            Invalidate::Ticket(guard) => self.end_by_ticket(guard).await?,
            Invalidate::Handle { handle, owner } => self.end_one(INVALIDATE, *handle, owner.as_ref()).await?,
            Invalidate::Principal { principal, except } => {
                return self.end_all_of(principal, *except).await.map(Invalidated::Done);
            }
            Invalidate::Everyone => {
                self.end_everybody().await.map_err(at(INVALIDATE))?;
                return Ok(Invalidated::Done(Vec::new()));
            }
        };
        Ok(match ended {
            End::Ended(ended) => Invalidated::Done(vec![*ended]),
            End::Superseded => Invalidated::Superseded,
            End::Nothing => Invalidated::Done(Vec::new()),
        })
    }

    async fn end_by_ticket(&self, guard: &Guard) -> Result<End, Error> {
        self.end_if(INVALIDATE, guard.handle, |manifest, now| {
            match manifest.record.admit_to_end(&guard.proof, now) {
                Admission::Current | Admission::Previous(_) => None,
                Admission::Superseded => Some(End::Superseded),
                Admission::Refused => Some(End::Nothing),
            }
        })
        .await
    }

    /// Ends a session if it is this principal's.
    pub(super) async fn end_one(
        &self,
        during: &'static str,
        handle: Handle,
        owner: Option<&Principal>,
    ) -> Result<End, Error> {
        self.end_if(during, handle, |manifest, _| {
            let is_theirs = owner.is_none() || manifest.record.principal.as_ref() == owner;
            (!is_theirs).then_some(End::Nothing)
        })
        .await
    }

    /// Ends a session unless there is an answer to that. One that has expired but was not handed out yet is *sealed*: a sweep still
    /// hands it out, and a commit that was held back since it was live does not revive it.
    async fn end_if(
        &self,
        during: &'static str,
        handle: Handle,
        answer: impl Fn(&Manifest, Timestamp) -> Option<End> + Send,
    ) -> Result<End, Error> {
        let mut pauses = Pauses::default();
        loop {
            let current = self.current(during, handle).await?;
            let open = current.manifest.as_deref().filter(|it| !it.is_closed());
            let Some(manifest) = open else { return Ok(End::Nothing) };
            if let Some(answer) = answer(manifest, current.now) {
                return Ok(answer);
            }
            if !manifest.record.is_live(current.now) {
                if self.close(during, handle, &current, Timestamp::default()).await? {
                    return Ok(End::Nothing);
                }
            } else if self.bury(during, handle, &current).await? {
                self.look_later(handle, current.now.plus(SETTLED), current.now);
                let ended = ended(handle, manifest, EndReason::Invalidated, current.now, Vec::new());
                return Ok(End::Ended(Box::new(ended)));
            }
            pauses.pause().await;
        }
    }

    /// Closes a session that has expired, and leaves it to sweeps from this moment on; returns whether it was as it was read.
    pub(super) async fn close(
        &self,
        during: &'static str,
        handle: Handle,
        current: &Current,
        until: Timestamp,
    ) -> Result<bool, Error> {
        let Current { manifest: Some(manifest), last: Some(last), .. } = current else { return Ok(false) };
        let closed = Manifest { leased_until: Some(until), ..(**manifest).clone() };
        let (guard, kind) = (Guarded::After(last.sequence), unchanged(closed.record.version));
        let stored = self.replace(guard, handle, &kind, closed.encode().into()).await.map_err(at(during))?;
        Ok(stored.is_some())
    }

    /// Puts the end of a session in its place; returns whether it was as it was read. What is left of it is removed later.
    ///
    /// It is not removed at once, because with several replicas a commit that was on its way when it was read could be stored
    /// after the removal. A sweep removes it once nothing can be on its way any more, if somebody notes that it is to look then.
    pub(super) async fn bury(
        &self,
        during: &'static str,
        handle: Handle,
        current: &Current,
    ) -> Result<bool, Error> {
        let Current { manifest: Some(manifest), last: Some(last), .. } = current else { return Ok(false) };
        let buried = self.replace(Guarded::After(last.sequence), handle, ENDED, Bytes::new()).await;
        if buried.map_err(at(during))?.is_none() {
            return Ok(false);
        }
        self.remove_parts_later(handle, manifest.places().collect());
        if let Some(principal) = manifest.record.principal.clone() {
            self.forget_later(principal, handle, current.now);
        }
        Ok(true)
    }

    /// Ends all sessions that are in a principal's index, after it has marked them there, and waits for sign-ins that are under
    /// way: they have an entry, and are not bound yet. One that it does not wait for finds the mark.
    async fn end_all_of(&self, principal: &Principal, except: Option<Handle>) -> Result<Vec<Ended>, Error> {
        let mut to_end: Vec<Listed> = Vec::new();
        self.change_index(INVALIDATE, principal, |index| {
            to_end.clone_from(&index.listed);
            index.mark_ended(except)
        })
        .await?;
        to_end.retain(|it| Some(it.handle) != except);
        let mut ended = Vec::new();
        loop {
            let tries = std::mem::take(&mut to_end).into_iter().map(|it| async move {
                Ok::<_, Error>((it, self.end_readable(it.handle, principal).await?))
            });
            let tried: Vec<_> = stream::iter(tries).buffer_unordered(AT_ONCE).try_collect().await?;
            let now = self.clock.now(&self.jet).await.map_err(at(INVALIDATE))?;
            for (listed, end) in tried {
                match end {
                    End::Ended(it) => ended.push(*it),
                    _ if now < listed.since.plus(UNDER_WAY) => to_end.push(listed),
                    _ => {}
                }
            }
            if to_end.is_empty() {
                return Ok(ended);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A session that cannot be read may be one that a later version of this crate has stored, and can: it ends as well. Only
    /// nobody is told of it.
    async fn end_readable(&self, handle: Handle, principal: &Principal) -> Result<End, Error> {
        match self.end_one(INVALIDATE, handle, Some(principal)).await {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                tracing::warn!(%handle, %error, "a session that cannot be read was ended with its principal's others");
                self.end_unreadable(handle).await.map_err(at(INVALIDATE))?;
                Ok(End::Nothing)
            }
            result => result,
        }
    }

    async fn end_unreadable(&self, handle: Handle) -> Result<(), Failure> {
        let subject = self.subjects.session(handle);
        let mut pauses = Pauses::default();
        while let Some(last) = self.jet.last(&subject).await?.filter(|last| !last.body.is_empty()) {
            let guard = Guarded::After(last.sequence);
            if self.replace(guard, handle, ENDED, Bytes::new()).await?.is_some() {
                let now = self.clock.now(&self.jet).await?;
                self.look_later(handle, now.plus(SETTLED), now);
                break;
            }
            pauses.pause().await;
        }
        Ok(())
    }
}

/// What a session is to a principal in whose index it is.
#[derive(Debug)]
pub(super) enum Theirs {
    /// It is live, and theirs.
    Live(Box<Manifest>),
    /// It is not there, has expired, or is not theirs.
    Not,
    /// Nobody knows here: it may have been stored by a later version.
    Unreadable,
}

impl Theirs {
    pub(super) fn live(self) -> Option<Box<Manifest>> {
        if let Self::Live(manifest) = self { Some(manifest) } else { None }
    }
}

/// Tells what a session was at its end.
pub(super) fn ended(
    handle: Handle,
    manifest: &Manifest,
    reason: EndReason,
    now: Timestamp,
    attributes: Vec<StoredAttribute>,
) -> Ended {
    let record = &manifest.record;
    Ended {
        handle,
        principal: record.principal.clone(),
        names: names(manifest, now.min(record.expires_at())),
        attributes,
        reason,
        created_at: record.created_at,
        accessed_at: record.accessed_at,
    }
}

impl NatsStore {
    /// Tells what each of these sessions is to a principal.
    pub(super) async fn live_among(
        &self,
        during: &'static str,
        principal: &Principal,
        handles: Vec<Handle>,
    ) -> Result<Vec<(Handle, Theirs)>, Error> {
        let found = handles.into_iter().map(|handle| async move {
            let Current { manifest, now, .. } = match self.current(during, handle).await {
                Err(error) if error.kind() == ErrorKind::Corrupt => return Ok((handle, Theirs::Unreadable)),
                result => result?,
            };
            let is_theirs = |it: &Manifest| {
                let is_live = it.record.is_live(now) && !it.is_closed();
                is_live && it.record.principal.as_ref() == Some(principal)
            };
            Ok((handle, manifest.filter(|it| is_theirs(it)).map_or(Theirs::Not, Theirs::Live)))
        });
        stream::iter(found).buffer_unordered(AT_ONCE).try_collect().await
    }
}
