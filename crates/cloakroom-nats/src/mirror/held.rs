use bytes::Bytes;
use cloakroom_core::{Handle, Timestamp};

use super::replica::Source;
use crate::jet::Message;
use crate::wire::{Manifest, Place};

/// A session in memory, as the server has it: it is read when it is asked for.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) sequence: u64,
    pub(super) stored_at: Timestamp,
    /// `None`: it has ended.
    body: Option<Bytes>,
    pub(super) source: Source,
    pub(super) born: u64,
    pub(super) expires_at: Timestamp,
    /// The parts of the values that are not in the manifest, and what they hold where it is here.
    pub(super) values: Vec<(Place, Option<Bytes>)>,
}

impl Held {
    pub(super) fn new(
        message: &Message,
        manifest: Option<&Manifest>,
        source: Source,
        before: Option<Self>,
    ) -> Self {
        let known = before.map(|before| before.values).unwrap_or_default();
        let value = |place: Place| {
            let known = known.iter().find(|(it, _)| *it == place);
            (place, known.and_then(|(_, value)| value.clone()))
        };
        Self {
            sequence: message.sequence,
            stored_at: message.stored_at,
            // A copy: the message is a part of what was read from the connection at once.
            body: manifest.map(|_| Bytes::copy_from_slice(&message.body)),
            source,
            born: manifest.map_or(message.sequence, |it| it.born),
            expires_at: manifest.map(|it| it.record.expires_at()).unwrap_or_default(),
            values: manifest.map(|it| it.places().map(value).collect()).unwrap_or_default(),
        }
    }

    pub(super) fn message(&self) -> Option<Message> {
        let body = self.body.clone()?;
        Some(Message { sequence: self.sequence, subject: String::new(), stored_at: self.stored_at, body })
    }

    pub(super) fn wants(&self, place: &Place) -> bool {
        self.values.iter().any(|(it, value)| it == place && value.is_none())
    }

    pub(super) fn missing(&self) -> Vec<Place> {
        self.values.iter().filter(|(_, value)| value.is_none()).map(|(place, _)| *place).collect()
    }

    /// Takes a value in if it is missing; returns how many bytes it has.
    pub(super) fn take(&mut self, place: &Place, value: &Bytes) -> usize {
        let wanted = self.values.iter_mut().find(|(it, held)| it == place && held.is_none());
        let Some((_, held)) = wanted else { return 0 };
        *held = Some(Bytes::copy_from_slice(value));
        value.len()
    }

    /// Returns how many bytes it takes, without what the allocator adds.
    pub(super) fn bytes(&self) -> usize {
        let values = self.values.iter().map(|it| size_of_val(it) + it.1.as_ref().map_or(0, Bytes::len));
        let body = self.body.as_ref().map_or(0, Bytes::len);
        size_of::<(Handle, Self)>() + body + values.sum::<usize>()
    }
}
