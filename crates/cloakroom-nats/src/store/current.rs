use bytes::Bytes;
use cloakroom_core::{Error, Handle, Select, StoredAttribute, Timestamp};
use futures_util::future::{try_join, try_join_all, try_join3};

use super::{NatsStore, at};
use crate::error::Failure;
use crate::jet::Message;
use crate::subjects::Kept;
use crate::wire::{Attribute, Body, Damaged, Manifest, Place, Value};

/// A session as it is now.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) now: Timestamp,
    /// The last message of its subject.
    pub(super) last: Option<Last>,
    /// `None`: there is no such session, or it has ended otherwise than by expiring.
    pub(super) manifest: Option<Box<Manifest>>,
}

impl Current {
    /// Returns the session and its message, unless it is closed.
    pub(super) fn open(self) -> Option<(Box<Manifest>, Last)> {
        self.manifest.filter(|manifest| !manifest.is_closed()).zip(self.last)
    }
}

/// A message of a session's subject.
#[derive(Debug)]
pub(super) struct Last {
    pub(super) sequence: u64,
    pub(super) stored_at: Timestamp,
    /// Where the values are of a session that has ended with everybody's.
    pub(super) left: Vec<Place>,
}

/// What messages of the stream of values hold, as far as it is here.
pub(super) type Here = [(Place, Option<Bytes>)];

impl NatsStore {
    /// Reads a session, the epoch and the time, side by side.
    pub(super) async fn current(&self, during: &'static str, handle: Handle) -> Result<Current, Error> {
        let (subject, epoch) = (self.subjects.session(handle), self.subjects.epoch());
        let (jet, clock) = (&self.jet, &self.clock);
        let replica = self.replica();
        let read = try_join3(jet.last(&subject), jet.last(&epoch), clock.now(jet));
        let (message, epoch, now) = read.await.map_err(at(during))?;
        let epoch = epoch.map(|epoch| epoch.sequence);
        self.tell_mirror(replica.as_ref(), |replica| replica.was_read(handle, message.as_ref(), epoch));
        self.understand(during, message, epoch, now)
    }

    /// Tells what a session is whose last message this is, wherever that was kept.
    pub(super) fn understand(
        &self,
        during: &'static str,
        message: Option<Message>,
        epoch: Option<u64>,
        now: Timestamp,
    ) -> Result<Current, Error> {
        let Some(message) = message else {
            return Ok(Current { now, last: None, manifest: None });
        };
        self.clock.saw(message.stored_at);
        let now = now.max(message.stored_at);
        let mut last = Last { sequence: message.sequence, stored_at: message.stored_at, left: Vec::new() };
        let body = Body::decode(message.body, message.sequence).map_err(|damaged| damaged.during(during))?;
        let manifest = match body {
            Body::Ended => None,
            Body::Session(manifest) if epoch.is_some_and(|epoch| manifest.born < epoch) => {
                last.left = manifest.places().collect();
                None
            }
            Body::Session(manifest) => Some(manifest),
        };
        Ok(Current { now, last: Some(last), manifest })
    }

    /// Reads the values that are selected; `None` where one of them is not there any more, because the session has changed.
    pub(super) async fn values(
        &self,
        during: &'static str,
        handle: Handle,
        manifest: &Manifest,
        select: &Select,
        now: Timestamp,
    ) -> Result<Option<Vec<StoredAttribute>>, Error> {
        self.values_beside(during, handle, manifest, select, now, &[]).await
    }

    /// The same where some of the messages of values are here.
    pub(super) async fn values_beside(
        &self,
        during: &'static str,
        handle: Handle,
        manifest: &Manifest,
        select: &Select,
        now: Timestamp,
        here: &Here,
    ) -> Result<Option<Vec<StoredAttribute>>, Error> {
        let wanted = |it: &&Attribute| it.is_there(now) && select.values.includes(it.name.as_str());
        let values = manifest.attributes.iter().filter(wanted);
        let values = values.map(|it| self.value(during, handle, it, here));
        Ok(try_join_all(values).await?.into_iter().collect())
    }

    async fn value(
        &self,
        during: &'static str,
        handle: Handle,
        attribute: &Attribute,
        here: &Here,
    ) -> Result<Option<StoredAttribute>, Error> {
        let value = match &attribute.value {
            Value::Inline(bytes) => bytes.clone(),
            Value::Elsewhere { bytes, places } => match self.parts(during, handle, places, here).await? {
                None => return Ok(None),
                Some(value) if value.len() as u64 == *bytes => value,
                Some(_) => return Err(Damaged::Content.during(during)),
            },
        };
        Ok(Some(StoredAttribute {
            name: attribute.name.clone(),
            value,
            revision: attribute.revision,
            lapses_at: attribute.lapses_at,
        }))
    }

    async fn parts(
        &self,
        during: &'static str,
        handle: Handle,
        places: &[Place],
        here: &Here,
    ) -> Result<Option<Bytes>, Error> {
        let parts = places.iter().map(|place| self.part(handle, place, here));
        let parts: Option<Vec<Bytes>> = try_join_all(parts).await.map_err(at(during))?.into_iter().collect();
        Ok(parts.map(|mut parts| if parts.len() == 1 { parts.remove(0) } else { parts.concat().into() }))
    }

    async fn part(&self, handle: Handle, place: &Place, here: &Here) -> Result<Option<Bytes>, Failure> {
        match here.iter().find(|(it, _)| it == place) {
            Some((_, Some(part))) => Ok(Some(part.clone())),
            _ => self.part_at(handle, place).await,
        }
    }

    /// Reads a part of a session's value; `None` where it is not there, whatever else is.
    pub(super) async fn part_at(&self, handle: Handle, place: &Place) -> Result<Option<Bytes>, Failure> {
        let found = self.jet.at(Kept::Values, place.sequence).await?;
        let is_it = |it: &Message| it.subject == self.subjects.part(handle, place);
        Ok(found.filter(is_it).map(|message| message.body))
    }

    /// Stores values that do not stand in their session's message, and when the session may expire where that is to be known
    /// first.
    pub(super) async fn before_the_session(
        &self,
        during: &'static str,
        values: impl Future<Output = Result<(), Error>>,
        due: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Error> {
        try_join(values, async { due.await.map_err(at(during)) }).await.map(drop)
    }
}
