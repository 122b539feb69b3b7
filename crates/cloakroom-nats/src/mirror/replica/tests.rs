use std::num::NonZeroU32;

use cloakroom_core::{Changes, Commit, CommitId, Creation, Intent, Limits, Name, Record, Ticket, Version};

use super::*;
use crate::wire::{Attribute, Place, Value};

const INTERVAL: Duration = Duration::from_secs(100);
const BOUND: Duration = Duration::from_secs(60);

fn time(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

/// A message that says that a session was created now, with a value in these messages.
fn created(sequence: u64, born: u64, now: Timestamp, values: &[u64]) -> Message {
    let creation = Creation { max_inactive_interval: INTERVAL, max_lifetime: None, bind: None };
    let commit = Commit {
        id: CommitId::generate().unwrap(),
        guard: Ticket::generate().unwrap().guard(),
        intent: Intent::Create(creation.clone()),
        changes: Changes::default(),
        limits: Limits::default(),
        age: Duration::ZERO,
        stands_for: NonZeroU32::MIN,
    };
    let record = Record::create(&commit, &creation, now).unwrap();
    let places = values.iter().map(|sequence| place(*sequence)).collect();
    let value = Value::Elsewhere { bytes: 5, places };
    let name = Name::from_static("a");
    let attribute = Attribute { name, revision: Version(1), lapses_at: None, value };
    let attributes = if values.is_empty() { Vec::new() } else { vec![attribute] };
    let body = Manifest { born, leased_until: None, record, attributes }.encode().into();
    Message { sequence, subject: String::new(), stored_at: now, body }
}

fn place(sequence: u64) -> Place {
    Place { sequence, commit: CommitId::from_bytes([1; 16]), number: 0 }
}

fn ended(sequence: u64) -> Message {
    Message { sequence, subject: String::new(), stored_at: time(0), body: Bytes::new() }
}

fn handle() -> Handle {
    Ticket::generate().unwrap().handle()
}

fn whole() -> Replica {
    let replica = Replica::default();
    replica.caught_up(Instant::now());
    replica
}

fn hear(replica: &Replica, handle: Handle, message: &Message) -> Vec<Place> {
    let missing = replica.put(handle, message, Source::Stream);
    replica.reached(message.sequence, message.stored_at);
    missing
}

fn sequence(replica: &Replica, handle: Handle) -> Option<u64> {
    replica.copy(handle, BOUND).map(|copy| copy.message.sequence)
}

/// Looks for what nobody needs, as if it was time to.
fn tidy(replica: &Replica) {
    replica.state().tidy();
}

#[test]
fn nothing_is_answered_before_it_is_whole_nor_beyond_the_bound() {
    let (replica, handle) = (Replica::default(), handle());
    hear(&replica, handle, &created(1, 0, time(0), &[]));
    assert!(replica.copy(handle, BOUND).is_none());
    replica.caught_up(Instant::now().checked_sub(BOUND).unwrap());
    assert!(replica.copy(handle, BOUND / 2).is_none());
    assert!(replica.copy(handle, BOUND * 2).is_some());
    replica.missed();
    assert!(replica.copy(handle, BOUND * 2).is_none());
    replica.caught_up(Instant::now());
    assert!(replica.copy(handle, BOUND).is_some());
}

#[test]
fn an_older_message_replaces_no_newer_one() {
    let (replica, handle) = (whole(), handle());
    let _ = replica.put(handle, &created(5, 1, time(0), &[]), Source::Own);
    hear(&replica, handle, &created(3, 1, time(0), &[]));
    assert_eq!(sequence(&replica, handle), Some(5));
    hear(&replica, handle, &created(5, 1, time(0), &[]));
    hear(&replica, handle, &created(8, 1, time(0), &[]));
    let _ = replica.put(handle, &created(7, 1, time(0), &[]), Source::Own);
    assert_eq!(sequence(&replica, handle), Some(8));
}

#[test]
fn what_has_ended_does_not_come_back() {
    let (replica, handle) = (whole(), handle());
    hear(&replica, handle, &created(3, 1, time(0), &[]));
    let _ = replica.put(handle, &ended(6), Source::Own);
    hear(&replica, handle, &created(5, 1, time(0), &[]));
    assert_eq!(sequence(&replica, handle), None);
    hear(&replica, handle, &ended(6));
    let _ = replica.put(handle, &created(4, 1, time(0), &[]), Source::Own);
    assert_eq!(sequence(&replica, handle), None);
    assert_eq!(replica.measure().0, 0);
    assert_eq!(replica.measure().1, 0);
}

#[test]
fn what_was_born_before_everybodys_end_is_gone_and_stays_gone() {
    let (replica, old, new) = (whole(), handle(), handle());
    hear(&replica, old, &created(3, 3, time(0), &[]));
    replica.end_before(5);
    assert_eq!(replica.measure().1, 0);
    hear(&replica, old, &created(6, 3, time(0), &[]));
    hear(&replica, new, &created(7, 7, time(0), &[]));
    assert_eq!((sequence(&replica, old), sequence(&replica, new)), (None, Some(7)));
}

#[test]
fn values_are_wanted_once_and_kept_as_long_as_they_are_named() {
    let (replica, handle) = (whole(), handle());
    assert_eq!(hear(&replica, handle, &created(1, 0, time(0), &[10, 11])), [place(10), place(11)]);
    replica.hold(handle, &place(10), &Bytes::from_static(b"value"));
    assert!(!replica.wants(handle, &place(10)) && replica.wants(handle, &place(11)));
    let bytes = replica.measure().1;
    assert_eq!(hear(&replica, handle, &created(2, 1, time(0), &[10])), []);
    assert!(replica.measure().1 < bytes);
    let copy = replica.copy(handle, BOUND).unwrap();
    assert_eq!(copy.values, [(place(10), Some(Bytes::from_static(b"value")))]);
    replica.hold(handle, &place(11), &Bytes::from_static(b"other"));
    assert_eq!(replica.copy(handle, BOUND).unwrap().values.len(), 1);
    hear(&replica, handle, &ended(3));
    assert_eq!((replica.measure().0, replica.measure().1), (0, 0));
}

#[test]
fn memory_is_released_some_time_after_a_session_has_expired() {
    let (replica, first, second) = (whole(), handle(), handle());
    hear(&replica, first, &created(1, 0, time(0), &[]));
    hear(&replica, second, &created(2, 0, time(100), &[]));
    tidy(&replica);
    assert_eq!(replica.measure().0, 2);
    replica.reached(3, time(161));
    tidy(&replica);
    assert_eq!((sequence(&replica, first), sequence(&replica, second)), (None, Some(2)));
    let _ = replica.put(first, &ended(5), Source::Own);
    tidy(&replica);
    assert_eq!(replica.measure().0, 2, "the stream has not told yet");
    replica.reached(6, time(300));
    tidy(&replica);
    assert_eq!((replica.measure().0, replica.measure().1), (0, 0));
}

#[test]
fn what_cannot_be_read_is_left_to_the_server() {
    let (replica, handle) = (whole(), handle());
    hear(&replica, handle, &created(1, 0, time(0), &[]));
    let damaged = Message { body: Bytes::from_static(b"nonsense"), ..ended(2) };
    hear(&replica, handle, &damaged);
    assert_eq!((sequence(&replica, handle), replica.measure().1), (None, 0));
}
