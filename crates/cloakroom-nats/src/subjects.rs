//! Where things are kept: the names of streams and subjects.

use std::fmt::Write as _;

use cloakroom_core::{Handle, Principal};
use sha2::{Digest as _, Sha256};

use crate::namespace::Namespace;
use crate::wire::Place;

/// Bytes of a principal's hash that are part of its subject.
const DIGEST: usize = 16;

/// The names of the streams, and what the subjects in them begin with.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    streams: Namespace,
    namespace: Namespace,
}

impl Subjects {
    pub(crate) fn new(streams: Namespace) -> Self {
        Self { streams, namespace: Namespace::default() }
    }

    pub(crate) fn with_namespace(&self, namespace: Namespace) -> Self {
        Self { streams: self.streams.clone(), namespace }
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Returns the subject of a session.
    pub(crate) fn session(&self, handle: Handle) -> String {
        let mut subject = self.within("s", "m");
        push_hex(handle.as_bytes(), &mut subject);
        subject
    }

    /// Returns the filter of all sessions.
    pub(crate) fn sessions(&self) -> String {
        self.within("s", "m") + "*"
    }

    /// Returns the subject of a principal's sessions. Their name is hashed.
    pub(crate) fn principal(&self, principal: &Principal) -> String {
        let mut subject = self.within("s", "p");
        push_hex(&Sha256::digest(principal.as_str().as_bytes())[..DIGEST], &mut subject);
        subject
    }

    /// Returns the subject whose last message ends all sessions that were born before it. It counts as that of a session, so
    /// that whoever listens to all sessions hears of it.
    pub(crate) fn epoch(&self) -> String {
        self.within("s", "m") + "epoch"
    }

    /// Returns the subject of marks, which tell those who listen to all sessions how far they are.
    pub(crate) fn mark(&self) -> String {
        self.within("s", "m") + "mark"
    }

    /// Returns a subject to read the server's clock by.
    pub(crate) fn clock(&self, reader: &str) -> String {
        self.within("s", "t") + reader
    }

    /// Returns the subject of one part of a session's value. No other part has it.
    pub(crate) fn part(&self, handle: Handle, place: &Place) -> String {
        let mut subject = self.within("v", "a");
        push_hex(handle.as_bytes(), &mut subject);
        subject.push('.');
        push_hex(place.commit.as_bytes(), &mut subject);
        // Writing to a string does not fail.
        let _ = write!(subject, ".{}", place.number);
        subject
    }

    /// Returns the filter of all parts of values.
    pub(crate) fn parts(&self) -> String {
        self.within("v", "a") + ">"
    }

    /// Returns the subject of a line of sessions that are due.
    pub(crate) fn line(&self, line: u64) -> String {
        format!("{}{line}", self.within("d", "w"))
    }

    /// Returns the filter of all lines.
    pub(crate) fn lines(&self) -> String {
        self.within("d", "w") + "*"
    }

    fn within(&self, stream: &str, kind: &str) -> String {
        let (streams, namespace) = (self.streams.as_str(), self.namespace.as_str());
        let mut subject = String::with_capacity(streams.len() + namespace.len() + 80);
        let _ = write!(subject, "{streams}.{stream}.{namespace}.{kind}.");
        subject
    }

    /// Returns a stream's name, and what its subjects are.
    pub(crate) fn stream(&self, stream: Kept) -> (String, String) {
        let name = self.streams.as_str();
        match stream {
            Kept::Sessions => (name.to_owned(), format!("{name}.s.>")),
            Kept::Values => (format!("{name}-values"), format!("{name}.v.>")),
            Kept::Due => (format!("{name}-due"), format!("{name}.d.>")),
        }
    }
}

/// What is kept in a stream of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Sessions, principals, the epoch: the last message of each subject.
    Sessions,
    /// Values that do not stand in their session's message.
    Values,
    /// When sessions may have expired.
    Due,
}

/// Reads the session back from the subject of a part of its value.
pub(crate) fn handle_of_part(subject: &str) -> Option<Handle> {
    handle_in(subject.split('.').nth(4)?)
}

/// Returns whether messages of this subject end all sessions that were born before.
pub(crate) fn is_epoch(subject: &str) -> bool {
    subject.ends_with(".epoch")
}

/// Reads the session back from its subject.
pub(crate) fn handle_of_session(subject: &str) -> Option<Handle> {
    handle_in(subject.rsplit('.').next()?)
}

fn handle_in(digits: &str) -> Option<Handle> {
    let number = u128::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 32)?;
    Some(Handle::from_bytes(number.to_be_bytes()))
}

fn push_hex(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_read_back_and_no_name_is_in_clear() {
        let subjects = Subjects::new(Namespace::default()).with_namespace(Namespace::new("shop").unwrap());
        let handle = Handle::from_bytes([0xab; 16]);
        let session = subjects.session(handle);
        assert_eq!(session, format!("cloakroom.s.shop.m.{}", "ab".repeat(16)));
        assert_eq!(handle_of_session(&session), Some(handle));
        assert_eq!(handle_of_session(&subjects.epoch()), None);
        let place = Place { sequence: 5, commit: cloakroom_core::CommitId::from_bytes([1; 16]), number: 3 };
        let part = subjects.part(handle, &place);
        assert_eq!(part, format!("cloakroom.v.shop.a.{}.{}.3", "ab".repeat(16), "01".repeat(16)));
        assert_eq!(handle_of_part(&part), Some(handle));
        assert!(!subjects.principal(&Principal::from_static("ada")).contains("ada"));
    }
}
