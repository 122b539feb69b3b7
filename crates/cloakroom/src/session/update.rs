use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    AttributeChange, Changes, Commit, CommitId, Committed, Conflict, Edit, Expect, Freshness, Intent, Name,
    Outcome, Ticket,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::access::{IntoName, name_of};
use super::attributes::Seen;
use super::state::{State, Target};
use super::ttl::ttl_of;
use super::{Inner, Session};
use crate::codec::{Attribute, decode, encode};
use crate::error::Error;

/// How often an update is tried against others before it gives up.
pub(super) const ATTEMPTS: u32 = 64;

/// Atomic changes of one attribute, which other requests see at once.
impl Session {
    /// Changes an attribute by compare-and-set: no concurrent update is lost. `change` starts from the stored value, or
    /// from the default where it is absent, and may be called several times.
    ///
    /// It is stored when this returns, also if the request fails afterwards. A change that this request has made to the
    /// same attribute before is part of it; its other changes are not. A value that lapses by itself keeps its time to
    /// live; one that was absent has its type's [`TTL`](Attribute::TTL).
    ///
    /// ```
    /// # use cloakroom::{Attribute, Error, Session};
    /// # #[derive(Default, serde::Serialize, serde::Deserialize)] struct Votes(u32);
    /// # impl Attribute for Votes { const NAME: &'static str = "votes"; }
    /// async fn vote(session: &Session) -> Result<u32, Error> {
    ///     session.update(|votes: &mut Votes| { votes.0 += 1; votes.0 }).await
    /// }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// # let session = Session::for_test();
    /// assert_eq!((vote(&session).await?, vote(&session).await?), (1, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get), [`set`](Self::set) and [`commit`](Self::commit); and
    /// [`Conflict`](crate::ErrorKind::Conflict) when others changed the attribute each of the 64 times that it was tried.
    pub async fn update<T: Attribute + Default, R>(
        &self,
        change: impl FnMut(&mut T) -> R,
    ) -> Result<R, Error> {
        self.update_from(name_of::<T>(), ttl_of::<T>(), change).await
    }

    /// Changes the attribute of this name by compare-and-set.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update).
    pub async fn update_named<T, R>(
        &self,
        name: impl IntoName,
        change: impl FnMut(&mut T) -> R,
    ) -> Result<R, Error>
    where
        T: Serialize + DeserializeOwned + Default,
    {
        self.update_from(name, None, change).await
    }

    /// Changes an attribute; one that is absent beforehand is kept for `fresh`.
    async fn update_from<T, R>(
        &self,
        name: impl IntoName,
        fresh: Option<Duration>,
        mut change: impl FnMut(&mut T) -> R,
    ) -> Result<R, Error>
    where
        T: Serialize + DeserializeOwned + Default,
    {
        let name = self.usable(name)?;
        for attempt in 0..ATTEMPTS {
            let before = self.before(&name, fresh).await?;
            let mut value = match before.value.as_deref().map(|value| decode::<T>(&name, value)).transpose() {
                Ok(value) => value.unwrap_or_default(),
                Err(error) => {
                    Box::pin(self.undecodable(&name, error, attempt)).await?;
                    continue;
                }
            };
            let result = change(&mut value);
            let after = encode(&name, &value)?;
            if before.value.as_ref() == Some(&after) && !before.is_edited {
                return Ok(result);
            }
            self.fits(&name, &after)?;
            if self.store_one(&name, Some(after), before).await? {
                return Ok(result);
            }
            self.look_again(&name, attempt).await?;
        }
        Err(Error::contended(name))
    }

    /// Removes an attribute and returns what it was, atomically: of all requests that try, one is given it. For one-time
    /// codes and the like.
    ///
    /// It is removed when this returns a value, also if the request fails afterwards.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update).
    pub async fn take_once<T: Attribute>(&self) -> Result<Option<T>, Error> {
        self.take_once_named(name_of::<T>()).await
    }

    /// Removes the attribute of this name and returns what it was, atomically.
    ///
    /// # Errors
    ///
    /// As [`take_once`](Self::take_once).
    pub async fn take_once_named<T: DeserializeOwned>(
        &self,
        name: impl IntoName,
    ) -> Result<Option<T>, Error> {
        let Ok(name) = name.into_name() else { return Ok(None) };
        for attempt in 0..ATTEMPTS {
            let before = self.before(&name, None).await?;
            let Some(value) = &before.value else { return Ok(None) };
            let taken = match decode(&name, value) {
                Ok(taken) => taken,
                Err(error) => {
                    Box::pin(self.undecodable(&name, error, attempt)).await?;
                    continue;
                }
            };
            // What this request alone has set is nobody else's to take.
            if self.inner.state().attributes.take_local(&name, value) {
                return Ok(Some(taken));
            }
            let stored = matches!(before.expect, Some(Expect::Revision(_)));
            if stored && self.store_one(&name, None, before).await? {
                return Ok(Some(taken));
            }
            self.look_again(&name, attempt).await?;
        }
        Err(Error::contended(name))
    }

    /// Returns an attribute as it is before a change; `None` if it is absent.
    pub(super) async fn present(&self, name: &Name) -> Result<Option<Before>, Error> {
        let before = self.before(name, None).await?;
        Ok(before.value.is_some().then_some(before))
    }

    /// Removes an attribute, also if the request fails afterwards; not if it was written since, nor if it is not known what
    /// the store holds.
    pub(super) async fn remove_unless_changed(&self, name: &Name, before: Before) -> Result<(), Error> {
        if matches!(before.expect, Some(Expect::Revision(_))) {
            return self.store_one(name, None, before).await.map(drop);
        }
        self.inner.state().attributes.drop_local(name, before.upto);
        Ok(())
    }

    /// Returns an attribute as this request sees it, and what the store must hold for that to be so.
    async fn before(&self, name: &Name, fresh: Option<Duration>) -> Result<Before, Error> {
        loop {
            let seen = self.inner.state().before(name, fresh);
            match seen {
                Some(before) => return Ok(before),
                None => Box::pin(self.inner.fetch(std::slice::from_ref(name))).await?,
            }
        }
    }

    pub(super) async fn store_one(
        &self,
        name: &Name,
        value: Option<Bytes>,
        before: Before,
    ) -> Result<bool, Error> {
        let inner = Arc::clone(&self.inner);
        let name = name.clone();
        self.inner.to_its_end(async move { inner.store_one(name, value, before).await }).await
    }

    /// Reads the attribute again from the source, for a copy may not know of the contender, after a pause that grows with the attempts so that the contenders get out of step.
    pub(super) async fn look_again(&self, name: &Name, attempt: u32) -> Result<(), Error> {
        if attempt > 1 {
            let spread = u64::from(attempt.min(20)) * 1000;
            let chance = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), attempt) % spread;
            tokio::time::sleep(Duration::from_micros(chance)).await;
        }
        let inner = Arc::clone(&self.inner);
        let name = name.clone();
        let again = async move {
            let _turn = inner.turn().await;
            let is_open = inner.state().opened().is_some();
            if is_open { inner.read_again(vec![name], Freshness::Latest).await } else { Ok(()) }
        };
        self.inner.to_its_end(again).await
    }
}

/// An attribute before an update.
#[derive(Debug)]
pub(super) struct Before {
    value: Option<Bytes>,
    /// How long a changed value is kept.
    ttl: Option<Duration>,
    /// What the store must hold; `None` where that does not matter, because a clear is to come.
    expect: Option<Expect>,
    /// Whether `value` is not what the store holds.
    pub(super) is_edited: bool,
    /// The last edit that it includes.
    upto: u64,
    epoch: u64,
}

impl State {
    pub(super) fn before(&mut self, name: &Name, fresh: Option<Duration>) -> Option<Before> {
        let value = match self.look(name) {
            Seen::Value(value) => Some(value),
            Seen::Absent => None,
            Seen::Unknown => return None,
        };
        Some(Before {
            value,
            ttl: self.attributes.ttl_in_place(name.as_str(), fresh),
            expect: self.attributes.expectation(name.as_str()),
            is_edited: self.attributes.has_edit(name.as_str()),
            upto: self.attributes.last_edit(),
            epoch: self.epoch,
        })
    }
}

impl Inner {
    /// Commits one attribute, provided that it is still as this request saw it. Returns whether it was.
    async fn store_one(&self, name: Name, value: Option<Bytes>, before: Before) -> Result<bool, Error> {
        let _turn = self.turn().await;
        self.apply_ending().await?;
        if self.state().epoch != before.epoch {
            return Ok(false);
        }
        let ttl = before.ttl;
        let edit = value.clone().map_or(Edit::Remove, |value| Edit::Set { value, ttl });
        let change = AttributeChange { name: name.clone(), edit, expect: before.expect };
        let (commit, ticket) = self.prepare_one(change)?;
        match self.commit(&commit).await {
            Ok(Outcome::Committed(committed)) => {
                self.state().committed_one(&commit, ticket, &committed, (&name, value, before));
                // A session that was asked to end while it was made.
                self.apply_ending().await?;
                Ok(true)
            }
            Ok(refused) => {
                self.state().not_applied_one(&before);
                let conflict = matches!(refused, Outcome::Conflict(Conflict::Attribute(_)));
                if conflict { Ok(false) } else { Err(self.refused(refused)) }
            }
            Err(error) => {
                self.state().unknown_one(&commit, &before);
                Err(error.into())
            }
        }
    }

    /// Prepares a commit of one attribute to the open session, or to a new one, whose ticket is then returned.
    fn prepare_one(&self, change: AttributeChange) -> Result<(Commit, Option<Ticket>), Error> {
        let id = CommitId::generate()?;
        let mut state = self.state();
        if state.is_lost() {
            return Err(Error::gone());
        }
        if matches!(state.target, Target::Unreachable) {
            return Err(Error::store_away());
        }
        let changes = Changes { attributes: vec![change], ..Changes::default() };
        state.attributes.begin_one();
        let (guard, intent, ticket) = match state.opened() {
            Some(open) => (open.guard, Intent::Change, None),
            None => {
                let ticket = self.first_ticket(&state)?;
                (ticket.guard(), Intent::Create(self.creation(&state.terms, None)), Some(ticket))
            }
        };
        Ok((self.commit_of(id, guard, intent, changes), ticket))
    }
}

impl State {
    fn not_applied_one(&mut self, before: &Before) {
        if self.epoch == before.epoch {
            self.attributes.refused();
        }
    }

    fn unknown_one(&mut self, commit: &Commit, before: &Before) {
        if self.epoch == before.epoch && self.opened().is_some() {
            self.attributes.unknown(&commit.changes);
        }
        self.not_applied_one(before);
    }

    fn committed_one(
        &mut self,
        commit: &Commit,
        ticket: Option<Ticket>,
        committed: &Committed,
        (name, value, before): (&Name, Option<Bytes>, Before),
    ) {
        if self.epoch != before.epoch {
            return ticket.into_iter().for_each(|ticket| self.committed_too_late(commit, ticket, committed));
        }
        if let (Intent::Create(creation), Some(ticket)) = (&commit.intent, ticket) {
            self.created(ticket, creation, committed);
        } else if let Target::Open(open) = &mut self.target {
            open.saw(committed);
        }
        let value = value.map(|value| (value, before.ttl));
        self.attributes.committed_one(name, value, before.upto, committed.version, committed.now);
    }
}
