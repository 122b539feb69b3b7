use bytes::Bytes;
use cloakroom_core::{
    Committed, Conflict, Ended, Gone, Handle, Invalidated, Limit, Loaded, Name, Opened, Outcome, OverLimit,
    StoredAttribute,
};

#[track_caller]
pub(crate) fn committed(outcome: Outcome) -> Committed {
    match outcome {
        Outcome::Committed(committed) => committed,
        other => panic!("expected Committed, got {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_gone(outcome: Outcome, expected: Gone) {
    match outcome {
        Outcome::Gone(gone) if gone == expected => {}
        other => panic!("expected Gone({expected:?}), got {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_conflict(outcome: Outcome, expected: &Conflict) {
    match outcome {
        Outcome::Conflict(conflict) if conflict == *expected => {}
        other => panic!("expected Conflict({expected:?}), got {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_over(outcome: Outcome, limit: Limit, max: u64) {
    let expected = OverLimit { limit, max };
    match outcome {
        Outcome::OverLimit(over) if over == expected => {}
        other => panic!("expected OverLimit({expected:?}), got {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_taken(outcome: Outcome) {
    match outcome {
        Outcome::Taken => {}
        other => panic!("expected Taken, got {other:?}"),
    }
}

#[track_caller]
pub(crate) fn opened(loaded: Loaded) -> Opened {
    match loaded {
        Loaded::Open(opened) => *opened,
        other => panic!("expected the session to open, got {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_absent(loaded: Loaded) {
    match loaded {
        Loaded::Absent => {}
        other => panic!("expected Absent, got {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_superseded(loaded: Loaded) {
    match loaded {
        Loaded::Superseded => {}
        other => panic!("expected Superseded, got {other:?}"),
    }
}

#[track_caller]
pub(crate) fn done(invalidated: Invalidated) -> Vec<Ended> {
    match invalidated {
        Invalidated::Done(ended) => ended,
        other => panic!("expected Done, got {other:?}"),
    }
}

/// Returns one attribute of a snapshot.
pub(crate) fn attribute<'a>(opened: &'a Opened, name: &str) -> Option<&'a StoredAttribute> {
    opened.attributes.iter().find(|it| it.name.as_str() == name)
}

/// Returns the names and values of a snapshot, sorted.
pub(crate) fn contents(opened: &Opened) -> Vec<(&str, &[u8])> {
    let mut all: Vec<_> = opened.attributes.iter().map(|it| (it.name.as_str(), &it.value[..])).collect();
    all.sort_unstable();
    all
}

#[track_caller]
pub(crate) fn assert_value(opened: &Opened, name: &str, expected: impl Into<Bytes>) {
    let expected = expected.into();
    let held = attribute(opened, name).unwrap_or_else(|| panic!("attribute {name:?} is missing"));
    let same = held.value == expected;
    assert!(same, "attribute {name:?} holds {}, expected {}", shown(&held.value), shown(&expected));
}

fn shown(value: &Bytes) -> String {
    let bytes = value.len();
    format!("{bytes} bytes {:?}", value.slice(..bytes.min(40)))
}

/// Returns the handles, sorted.
pub(crate) fn handles(ended: &[Ended]) -> Vec<Handle> {
    sorted(ended.iter().map(|it| it.handle))
}

/// Returns the texts of some names.
pub(crate) fn texts<'a>(names: impl IntoIterator<Item = &'a Name>) -> Vec<&'a str> {
    names.into_iter().map(Name::as_str).collect()
}

/// Collects and sorts.
pub(crate) fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut all: Vec<_> = items.into_iter().collect();
    all.sort_unstable();
    all
}
