use std::num::NonZeroU32;
use std::time::Duration;

use cloakroom_core::{Bind, Changes, Commit, CommitId, Creation, Intent, Limits, Principal, Ticket};
use proptest::prelude::*;

use super::*;

fn record() -> Record {
    let bind = Bind { principal: Principal::new("ada").unwrap(), max_sessions: None };
    let creation =
        Creation { max_inactive_interval: Duration::from_secs(60), max_lifetime: None, bind: Some(bind) };
    let commit = Commit {
        id: CommitId::generate().unwrap(),
        guard: Ticket::generate().unwrap().guard(),
        intent: Intent::Create(creation.clone()),
        changes: Changes::default(),
        limits: Limits::default(),
        age: Duration::ZERO,
        stands_for: NonZeroU32::MIN,
    };
    Record::create(&commit, &creation, Timestamp::from_millis(1_700_000_000_001)).unwrap()
}

fn attribute(name: &str, value: &'static [u8], lapses_at: Option<u64>) -> StoredAttribute {
    StoredAttribute {
        name: Name::new(name.to_owned()).unwrap(),
        value: Bytes::from_static(value),
        revision: Version(7),
        lapses_at: lapses_at.map(Timestamp::from_millis),
    }
}

fn content() -> Content {
    let attributes =
        vec![attribute("cart", b"three apples", None), attribute("é", b"", Some(1_700_000_000_009))];
    Content { recent: record().recent, attributes }
}

#[test]
fn a_content_comes_back_whole() {
    let empty = Content { recent: RecentCommits::default(), attributes: Vec::new() };
    for content in [content(), empty] {
        assert_eq!(content_from_bytes(&content_to_bytes(&content)), Some(content));
    }
}

#[test]
fn a_record_comes_back_whole() {
    let names =
        [(Name::from_static("cart"), None), (Name::from_static("é"), Some(Timestamp::from_millis(9)))];
    let left = Leaving { handle: Handle::from_bytes([3; 16]), record: record(), names: Box::new(names) };
    let back = record_from_bytes(&record_to_bytes(&left)).unwrap();
    assert_eq!((back.handle, back.record, back.names), (left.handle, left.record, left.names));
}

#[test]
fn what_is_cut_short_inside_an_attribute_is_refused() {
    let bytes = content_to_bytes(&content());
    let whole: Vec<usize> =
        (0..bytes.len()).filter(|&length| content_from_bytes(&bytes[..length]).is_some()).collect();
    assert_eq!(whole.len(), 2, "only between two attributes can it be cut: {whole:?}");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(at: prop::sample::Index, with: u8) {
        let mut bytes = content_to_bytes(&content()).to_vec();
        let at = at.index(bytes.len());
        bytes[at] = with;
        let _ = content_from_bytes(&bytes);
        let names = Box::new([(Name::from_static("cart"), None)]);
        let left = Leaving { handle: Handle::from_bytes([3; 16]), record: record(), names };
        let mut bytes = record_to_bytes(&left).to_vec();
        let at = at % bytes.len();
        bytes[at] = with;
        let _ = record_from_bytes(&bytes);
    }
}
