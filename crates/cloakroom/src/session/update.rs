use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    AttributeChange, Changes, Commit, Committed, Conflict, Edit, Expect, Intent, Name, Outcome, Ticket,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::access::{IntoName, name_of};
use super::state::{Target, Terms};
use super::task::run_to_end;
use super::{Inner, Session};
use crate::codec::{Attribute, decode, encode};
use crate::error::Error;

/// How often an update is tried against others before it gives up.
const ATTEMPTS: u32 = 64;

/// Atomic changes of one attribute, which other requests see at once.
impl Session {
    /// Changes an attribute by compare-and-set: no concurrent update is lost. `change` starts from the stored value, or
    /// from the default where it is absent, and may be called several times.
    ///
    /// It is stored when this returns, also if the request fails afterwards. A change that this request has made to the
    /// same attribute before is part of it; its other changes are not.
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
        self.update_named(name_of::<T>(), change).await
    }

    /// Changes the attribute of this name by compare-and-set.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update).
    pub async fn update_named<T, R>(
        &self,
        name: impl IntoName,
        mut change: impl FnMut(&mut T) -> R,
    ) -> Result<R, Error>
    where
        T: Serialize + DeserializeOwned + Default,
    {
        let name = self.usable(name)?;
        for attempt in 0..ATTEMPTS {
            let before = self.seen(&name).await?;
            let mut value =
                before.as_deref().map_or_else(|| Ok(T::default()), |value| decode(&name, value))?;
            let result = change(&mut value);
            let after = encode(&name, &value)?;
            if before.as_ref() == Some(&after) && !self.inner.state().attributes.has_edit(name.as_str()) {
                return Ok(result);
            }
            self.fits(&name, &after)?;
            if self.store_one(&name, Some(after)).await? {
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
            let Some(value) = self.seen(&name).await? else {
                return Ok(None);
            };
            let taken = decode(&name, &value)?;
            if self.store_one(&name, None).await? {
                return Ok(Some(taken));
            }
            self.look_again(&name, attempt).await?;
        }
        Err(Error::contended(name))
    }

    async fn store_one(&self, name: &Name, value: Option<Bytes>) -> Result<bool, Error> {
        let inner = Arc::clone(&self.inner);
        let name = name.clone();
        let stored = run_to_end(&self.inner.shared.tasks, async move { inner.store_one(name, value).await });
        stored.await.unwrap_or_else(|| Err(Error::interrupted()))
    }

    /// Reads the attribute again, after a pause that grows with the attempts so that the contenders get out of step.
    async fn look_again(&self, name: &Name, attempt: u32) -> Result<(), Error> {
        if attempt > 1 {
            let spread = u64::from(attempt.min(20)) * 1000;
            let chance = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), attempt) % spread;
            tokio::time::sleep(Duration::from_micros(chance)).await;
        }
        let _turn = self.inner.turn().await;
        self.inner.read_again(vec![name.clone()]).await
    }
}

impl Inner {
    /// Commits one attribute, provided that it is still as this request saw it. Returns whether it was.
    async fn store_one(&self, name: Name, value: Option<Bytes>) -> Result<bool, Error> {
        let _turn = self.turn().await;
        self.apply_ending().await?;
        let expect = self.state().attributes.expectation(name.as_str());
        let edit = value.clone().map_or(Edit::Remove, |value| Edit::Set { value, ttl: None });
        let (commit, ticket) = self.prepare_one(AttributeChange { name: name.clone(), edit, expect })?;
        match self.commit(&commit).await? {
            Outcome::Committed(committed) => {
                self.absorb_one(&commit, ticket, &committed, &name, value);
                Ok(true)
            }
            Outcome::Conflict(Conflict::Attribute(_)) => Ok(false),
            refused => Err(self.refused(refused)),
        }
    }

    /// Prepares a commit of one attribute to the open session, or to a new one, whose ticket is then returned.
    fn prepare_one(&self, change: AttributeChange) -> Result<(Commit, Option<Ticket>), Error> {
        let state = self.state();
        if state.is_lost() {
            return Err(Error::gone());
        }
        let expected = change.expect.is_none() || change.expect == Some(Expect::Absent);
        let mut changes = Changes { attributes: vec![change], ..Changes::default() };
        let (guard, intent, ticket) = match state.opened() {
            Some(open) => (open.guard, Intent::Change, None),
            None if expected => {
                let ticket = self.first_ticket(&state)?;
                changes.label.clone_from(&state.terms.label);
                (ticket.guard(), Intent::Create(self.creation(&state.terms)), Some(ticket))
            }
            None => return Err(Error::gone()),
        };
        Ok((self.new_commit(guard, intent, changes)?, ticket))
    }

    fn absorb_one(
        &self,
        commit: &Commit,
        ticket: Option<Ticket>,
        committed: &Committed,
        name: &Name,
        value: Option<Bytes>,
    ) {
        let mut state = self.state();
        if let (Intent::Create(creation), Some(ticket)) = (&commit.intent, ticket) {
            state.created(ticket, creation, committed);
            state.terms = Terms::default();
        } else if let Target::Open(open) = &mut state.target {
            open.saw(committed);
        }
        state.attributes.committed_one(name, value, committed.version);
    }
}
