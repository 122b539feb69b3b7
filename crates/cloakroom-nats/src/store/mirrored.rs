use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{Error, ErrorKind, Freshness, Handle, Load, Timestamp};
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::current::Current;
use super::follow::{Change, Following, Heard};
use super::load::KIND;
use super::{NatsStore, at};
use crate::error::{Disconnected, Failure};
use crate::jet::{Contents, Guarded, Message};
use crate::mirror::{Mirror, MirrorState, Replica, Slot, Source};
use crate::subjects::{handle_of_session, is_epoch};
use crate::wire::Place;

const MIRROR: &str = "mirror";

/// How many values are fetched side by side.
const FETCHES: usize = 16;

/// How long to wait before a mirror is built anew.
const PAUSE: Duration = Duration::from_millis(100);

/// A part of a value that a session needs and that is not here.
type Wanted = (Handle, Place);

impl NatsStore {
    /// Returns what this node's mirror holds; `None` unless the store is [mirrored](crate::NatsStoreBuilder::mirrored).
    #[must_use]
    pub fn mirror_state(&self) -> Option<MirrorState> {
        self.mirror.as_ref().map(|mirror| mirror.state())
    }

    /// Returns the mirror, which begins to be filled when it is first needed.
    pub(super) fn mirror(&self) -> Option<&Mirror> {
        let mirror = self.mirror.as_deref()?;
        mirror.start(|slot| tokio::spawn(keep(Self { mirror: None, ..self.clone() }, slot)));
        Some(mirror)
    }

    /// Returns the replica that is told what is done from now on.
    pub(super) fn replica(&self) -> Option<Arc<Replica>> {
        self.mirror()?.replica()
    }

    /// Returns a session as it is in memory, and values, if that may answer this load.
    pub(super) async fn copy_for(
        &self,
        during: &'static str,
        load: &Load,
    ) -> Result<Option<(Current, Vec<(Place, Option<Bytes>)>)>, Error> {
        let least = match load.freshness {
            Freshness::Any => None,
            Freshness::AtLeast(version) => Some(version),
            Freshness::Latest => return Ok(None),
        };
        let Some(mirror) = self.mirror() else { return Ok(None) };
        let copy = || mirror.replica()?.copy(load.guard.handle, mirror.max_staleness());
        let Some(copy) = copy() else { return Ok(None) };
        let now = self.clock.now(&self.jet).await.map_err(at(during))?;
        let current = self.understand(during, Some(copy.message), Some(copy.epoch), now)?;
        let is_enough = current.manifest.as_ref().is_some_and(|it| Some(it.record.version) >= least);
        Ok(is_enough.then_some((current, copy.values)))
    }

    /// Stores what a session's last message is to be, if the last one is still the one that was read; returns its sequence, or
    /// `None` if it is another.
    pub(super) async fn replace(
        &self,
        guard: Guarded,
        handle: Handle,
        kind: &str,
        body: Bytes,
    ) -> Result<Option<u64>, Failure> {
        let before = self.replica();
        let subject = self.subjects.session(handle);
        let stored = self.jet.store_after(guard, &subject, (KIND, kind), body.clone()).await?;
        if let Some(sequence) = stored {
            let message = Message { sequence, subject, stored_at: Timestamp::default(), body };
            self.tell_mirror(before.as_ref(), |replica| drop(replica.put(handle, &message, Source::Own)));
        }
        Ok(stored)
    }

    /// Ends everybody's sessions.
    pub(super) async fn end_everybody(&self) -> Result<(), Failure> {
        let before = self.replica();
        let sequence = self.jet.store(&self.subjects.epoch(), Bytes::from_static(b"epoch")).await?;
        self.tell_mirror(before.as_ref(), |replica| replica.end_before(sequence));
        Ok(())
    }

    /// Tells the replica what this node has stored or read, if it is the one that was there before that: another may be of another
    /// stream, and must hear of it from there before it answers.
    pub(super) fn tell_mirror(&self, before: Option<&Arc<Replica>>, tell: impl FnOnce(&Replica)) {
        let Some(now) = self.mirror.as_ref().and_then(|mirror| mirror.replica()) else { return };
        if before.is_some_and(|before| Arc::ptr_eq(before, &now)) {
            tell(&now);
        } else {
            now.missed();
        }
    }

    /// Fills a replica until there is an error.
    async fn fill(&self, replica: &Replica) -> Result<Infallible, Error> {
        let (want, wanted) = unbounded_channel();
        tokio::select! {
            ended = self.hear_all(replica, &want) => ended,
            () = self.fetch_all(replica, wanted) => Err(Error::of(ErrorKind::Other, MIRROR)),
        }
    }

    async fn hear_all(&self, replica: &Replica, want: &UnboundedSender<Wanted>) -> Result<Infallible, Error> {
        let mut following = Following::begin(self, Contents::Everything).await?;
        loop {
            match following.next().await? {
                Heard::Change(change) => self.hear(replica, &change, want),
                Heard::CaughtUp(moment) => replica.caught_up(moment),
            }
        }
    }

    fn hear(&self, replica: &Replica, change: &Change, want: &UnboundedSender<Wanted>) {
        let message = &change.message;
        self.clock.saw(message.stored_at);
        if is_epoch(&message.subject) {
            replica.end_before(message.sequence);
        } else if let Some(handle) = handle_of_session(&message.subject) {
            for place in replica.put(handle, message, Source::Stream) {
                let _ = want.send((handle, place));
            }
        }
        replica.reached(message.sequence, message.stored_at);
    }

    /// Fetches values beside whatever else is done. What cannot be fetched is read when it is asked for.
    async fn fetch_all(&self, replica: &Replica, wanted: UnboundedReceiver<Wanted>) {
        let wanted = stream::unfold(wanted, async |mut wanted| Some((wanted.recv().await?, wanted)));
        let fetched = wanted.for_each_concurrent(FETCHES, |(handle, place)| async move {
            if !replica.wants(handle, &place) {
                return;
            }
            match self.part_at(handle, &place).await {
                Ok(Some(part)) => replica.hold(handle, &place, &part),
                Ok(None) => {}
                Err(failure) => {
                    tracing::debug!(error = %failure.during(MIRROR), "a value is left at the server");
                }
            }
        });
        fetched.await;
    }
}

/// Fills one replica after the other: when the connection is lost, or something may have been missed, nothing is kept.
async fn keep(store: NatsStore, slot: Slot) {
    loop {
        let replica = Arc::new(Replica::default());
        slot.set(Some(Arc::clone(&replica)));
        let error = tokio::select! {
            biased;
            () = store.jet.link().lost() => Failure::new(ErrorKind::Unavailable, Disconnected).during(MIRROR),
            Err(error) = store.fill(&replica) => error,
        };
        slot.set(None);
        tracing::debug!(%error, "the mirror is built anew");
        tokio::time::sleep(PAUSE).await;
    }
}
