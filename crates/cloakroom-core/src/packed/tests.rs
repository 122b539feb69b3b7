use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;

use super::{FORMAT, InvalidRecord, decode, decode_for_load, encode};
use crate::{
    Bind, Changes, Commit, CommitId, Creation, Intent, Label, Limits, Previous, Principal, Proof, Record,
    Replacement, Seed, Ticket, Timestamp, Version,
};

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

#[test]
fn every_field_comes_back() {
    for record in variants() {
        assert_eq!(decode(&encode(&record)), Ok(record));
    }
}

#[test]
fn a_load_needs_all_but_the_recent_commits() {
    for mut record in variants() {
        let bytes = encode(&record);
        record.recent = Default::default();
        assert_eq!(decode_for_load(&bytes), Ok(record));
    }
}

#[test]
fn an_unknown_format_is_told() {
    let mut bytes = encode(&full());
    bytes[0] = FORMAT + 1;
    assert_eq!(decode(&bytes), Err(InvalidRecord::Format(FORMAT + 1)));
}

#[test]
fn a_record_cut_short_is_damaged_wherever_it_is_cut() {
    for record in variants() {
        let bytes = encode(&record);
        let recent = record.recent.to_bytes().len();
        for length in 0..bytes.len() {
            let whole_commits = length >= bytes.len() - recent && (bytes.len() - length).is_multiple_of(25);
            assert_eq!(decode(&bytes[..length]).is_err(), !whole_commits, "cut to {length} bytes");
        }
    }
}

#[test]
fn any_bytes_are_read_or_refused() {
    let bytes = encode(&full());
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            let _ = decode(&damaged);
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_as_the_same(flags: u8, mut bytes in proptest::collection::vec(any::<u8>(), 76..400)) {
        bytes.splice(..0, [FORMAT, flags]);
        if let Ok(mut record) = decode_for_load(&bytes) {
            prop_assert_eq!(decode(&encode(&record)), Ok(record.clone()));
            if let Ok(whole) = decode(&bytes) {
                record.recent = whole.recent.clone();
                prop_assert_eq!(&whole, &record);
            }
        }
    }

    #[test]
    fn a_damaged_record_is_read_or_refused(which in 0..13_usize, at: prop::sample::Index, with: u8) {
        let mut bytes = encode(&variants()[which]);
        let at = at.index(bytes.len());
        bytes[at] = with;
        if let Ok(record) = decode(&bytes) {
            prop_assert_eq!(decode(&encode(&record)), Ok(record));
        }
    }
}
