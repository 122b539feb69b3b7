use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    Bind, Changes, Commit, CommitId, Creation, Intent, Label, Limits, Name, Previous, Principal, Proof,
    Record, Replacement, Seed, Ticket, Timestamp, Version,
};
use proptest::prelude::*;

use super::{Attribute, Body, Manifest, Place, Value};
use crate::wire::{Damaged, FORMAT};

/// A record with two recent commits, and every field set to something of its own.
fn full() -> Record {
    let principal = Principal::new("ada").unwrap();
    let creation = Creation {
        max_inactive_interval: Duration::from_millis(1_234_567),
        max_lifetime: Some(Duration::from_secs(99_999)),
        bind: Some(Bind { principal, max_sessions: None }),
    };
    let mut commit = Commit {
        id: CommitId::generate().unwrap(),
        guard: Ticket::generate().unwrap().guard(),
        intent: Intent::Create(creation.clone()),
        changes: Changes { label: Some(Label::new("Firefox — Linux").unwrap()), ..Changes::default() },
        limits: Limits::default(),
        age: Duration::ZERO,
        stands_for: NonZeroU32::MIN,
    };
    let mut record = Record::create(&commit, &creation, Timestamp::from_millis(1_700_000_000_001)).unwrap();
    commit.id = CommitId::generate().unwrap();
    commit.intent = Intent::Change;
    let _ = record.apply(&commit, Timestamp::from_millis(1_700_000_000_002), |_| None);
    record.ticket_issued_at = Timestamp::from_millis(1_700_000_000_003);
    record.signed_in_at = Some(Timestamp::from_millis(1_700_000_000_004));
    record.next_lapse = Some(Timestamp::from_millis(1_700_000_000_005));
    record.attributes = 17;
    record.bytes = 987_654_321;
    record.version = Version(77);
    record.previous = Some(Previous {
        proof: Proof::from_bytes([5; 32]),
        until: Timestamp::from_millis(1_700_000_000_006),
        replaced_by: Replacement::Renewal(Some(Seed::from_bytes([6; 16]))),
    });
    record
}

/// Every way in which something optional can be there or not.
fn variants() -> Vec<Record> {
    let mut variants = vec![full()];
    let mut vary = |change: fn(&mut Record)| {
        let mut record = full();
        change(&mut record);
        variants.push(record);
    };
    vary(|it| it.previous = None);
    vary(|it| it.previous.as_mut().unwrap().replaced_by = Replacement::Renewal(None));
    vary(|it| it.previous.as_mut().unwrap().replaced_by = Replacement::SignIn(None));
    vary(|it| {
        let asked = Proof::from_bytes([9; 32]);
        it.previous.as_mut().unwrap().replaced_by = Replacement::SignIn(Some(asked));
    });
    vary(|it| it.ends_at = None);
    vary(|it| it.principal = None);
    vary(|it| it.principal = Some(Principal::new("p".repeat(256)).unwrap()));
    vary(|it| it.signed_in_at = None);
    vary(|it| it.label = None);
    vary(|it| it.next_lapse = None);
    vary(|it| it.recent = Default::default());
    vary(|it| it.accessed_at = Timestamp::from_millis(u64::MAX));
    variants
}

fn manifest(record: Record) -> Manifest {
    let place = |sequence, number| Place { sequence, commit: CommitId::from_bytes([4; 16]), number };
    let elsewhere = Value::Elsewhere { bytes: 300_000, places: vec![place(7, 0), place(u64::MAX, u32::MAX)] };
    let attribute = |name: &'static str, lapses_at, value| Attribute {
        name: Name::from_static(name),
        revision: Version(5),
        lapses_at,
        value,
    };
    Manifest {
        born: 3,
        leased_until: record.next_lapse,
        record,
        attributes: vec![
            attribute("a", None, Value::Inline(Bytes::new())),
            attribute("b", Some(Timestamp::from_millis(9)), Value::Inline(Bytes::from_static(b"value"))),
            attribute("c", None, elsewhere),
        ],
    }
}

fn decoded(bytes: Vec<u8>) -> Result<Body, Damaged> {
    Body::decode(bytes.into(), 99)
}

#[test]
fn everything_comes_back() {
    for record in variants() {
        let manifest = manifest(record);
        assert_eq!(decoded(manifest.encode()), Ok(Body::Session(Box::new(manifest))));
    }
    assert_eq!(decoded(Vec::new()), Ok(Body::Ended));
}

#[test]
fn a_session_is_born_with_its_first_message() {
    let first = Manifest { born: 0, ..manifest(full()) };
    let Ok(Body::Session(read)) = decoded(first.encode()) else { panic!("a session") };
    assert_eq!(read.born, 99);
}

#[test]
fn an_unknown_format_is_told() {
    let mut bytes = manifest(full()).encode();
    bytes[0] = FORMAT + 1;
    assert_eq!(decoded(bytes), Err(Damaged::Format(FORMAT + 1)));
}

#[test]
fn a_message_cut_short_or_too_long_is_damaged() {
    for record in variants() {
        let mut bytes = manifest(record).encode();
        for length in 1..bytes.len() {
            assert_eq!(decoded(bytes[..length].to_vec()), Err(Damaged::Content), "cut to {length} bytes");
        }
        bytes.push(0);
        assert_eq!(decoded(bytes), Err(Damaged::Content));
    }
}

#[test]
fn names_must_be_sorted() {
    let mut unsorted = manifest(full());
    unsorted.attributes.swap(0, 1);
    assert_eq!(decoded(unsorted.encode()), Err(Damaged::Content));
}

proptest! {
    #[test]
    fn a_damaged_message_is_read_or_refused(which in 0..13_usize, at: prop::sample::Index, with: u8) {
        let mut bytes = manifest(variants()[which].clone()).encode();
        let at = at.index(bytes.len());
        bytes[at] = with;
        if let Ok(Body::Session(read)) = decoded(bytes) {
            prop_assert_eq!(decoded(read.encode()), Ok(Body::Session(read)));
        }
    }
}
