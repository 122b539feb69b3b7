//! Compare-and-set: what a commit expects of an attribute.

use cloakroom_core::{Conflict, Expect, Store, Ticket, Version};

use crate::Harness;
use crate::support::*;

const FIRST: Expect = Expect::Revision(Version(1));

/// Creates a session with `a` and `b` of revision 1.
async fn session(store: &impl Store) -> Ticket {
    let ticket = ticket();
    committed(create(&ticket).set("a", "1").set("b", "1").on(store).await);
    ticket
}

/// A commit whose attribute has the expected revision is applied.
pub async fn an_expected_revision_is_applied<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    committed(change(&ticket).set("a", "2").expecting(FIRST).on(&store).await);
    let second = Expect::Revision(Version(2));
    committed(change(&ticket).remove("a").expecting(second).on(&store).await);
    assert_eq!(contents(&look(&store, &ticket).await), [("b", &b"1"[..])]);
}

/// A commit whose attribute has another revision is a Conflict that names it.
pub async fn another_revision_is_a_conflict<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    committed(change(&ticket).set("a", "2").on(&store).await);
    let conflict = Conflict::Attribute(name("a"));
    for stale in [Version(0), Version(1), Version(3)] {
        let draft = change(&ticket).set("a", "3").expecting(Expect::Revision(stale));
        assert_conflict(draft.on(&store).await, &conflict);
        let draft = change(&ticket).remove("a").expecting(Expect::Revision(stale));
        assert_conflict(draft.on(&store).await, &conflict);
    }
    assert_value(&look(&store, &ticket).await, "a", "2");
}

/// A revision is told apart from that of another attribute.
pub async fn a_revision_is_that_of_its_own_attribute<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    committed(change(&ticket).set("b", "2").on(&store).await);
    committed(change(&ticket).set("a", "2").expecting(FIRST).on(&store).await);
    let stale = change(&ticket).set("b", "3").expecting(FIRST);
    assert_conflict(stale.on(&store).await, &Conflict::Attribute(name("b")));
}

/// A commit that expects an attribute to be absent is applied if it is, also within a create.
pub async fn an_expected_absence_is_applied<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = ticket();
    let draft = create(&ticket).set("a", "1").expecting(Expect::Absent);
    committed(draft.on(&store).await);
    let draft = change(&ticket).set("b", "1").expecting(Expect::Absent);
    committed(draft.on(&store).await);
    assert_value(&look(&store, &ticket).await, "b", "1");
}

/// A commit that expects an attribute to be absent is a Conflict if it exists, even with an empty value.
pub async fn a_presence_is_a_conflict<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    committed(change(&ticket).set("empty", "").on(&store).await);
    for held in ["a", "empty"] {
        let draft = change(&ticket).set(held, "2").expecting(Expect::Absent);
        assert_conflict(draft.on(&store).await, &Conflict::Attribute(name(held)));
    }
    assert_value(&look(&store, &ticket).await, "a", "1");
}

/// A commit that expects a revision of an attribute that does not exist is a Conflict.
pub async fn an_absence_is_a_conflict<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    committed(change(&ticket).remove("a").on(&store).await);
    for missing in ["a", "nobody"] {
        let draft = change(&ticket).set(missing, "2").expecting(FIRST);
        assert_conflict(draft.on(&store).await, &Conflict::Attribute(name(missing)));
    }
}

/// After a conflict nothing of the commit is stored: no attribute, no label, no interval, no ticket, no version.
pub async fn a_conflict_stores_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let before = look(&store, &ticket).await;
    harness.advance(harness.unit()).await;
    let next = other_ticket(&ticket);
    let draft = change(&ticket).clear().set("c", "1").remove("b").label("x");
    let draft = draft.set("a", "2").expecting(Expect::Absent);
    let draft = draft.interval(LONG / 2).sign_in(&next, "ann", LONG);
    assert_conflict(draft.on(&store).await, &Conflict::Attribute(name("a")));
    let after = look(&store, &ticket).await;
    assert_eq!(after.meta, before.meta);
    assert_eq!(contents(&after), contents(&before));
    assert_absent(peek(&store, &next).await);
    assert!(sessions_of(&store, "ann").await.is_empty());
}

/// What a commit expects is what was there before its own clear.
pub async fn an_expectation_is_of_the_time_before_the_clear<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let absent = change(&ticket).clear().set("a", "2").expecting(Expect::Absent);
    assert_conflict(absent.on(&store).await, &Conflict::Attribute(name("a")));
    committed(change(&ticket).clear().set("a", "2").expecting(FIRST).on(&store).await);
    assert_eq!(contents(&look(&store, &ticket).await), [("a", &b"2"[..])]);
}

/// Every expectation of a commit must be met.
pub async fn every_expectation_must_be_met<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let met = |draft: Draft| draft.set("a", "2").expecting(FIRST);
    let unmet = |draft: Draft| draft.set("b", "2").expecting(Expect::Absent);
    let conflict = Conflict::Attribute(name("b"));
    assert_conflict(met(unmet(change(&ticket))).on(&store).await, &conflict);
    assert_conflict(unmet(met(change(&ticket))).on(&store).await, &conflict);
    let expected = [("a", &b"1"[..]), ("b", b"1")];
    assert_eq!(contents(&look(&store, &ticket).await), expected);
}

/// An attribute that was removed and set again is not what it was.
pub async fn an_attribute_set_again_is_another<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    committed(change(&ticket).remove("a").on(&store).await);
    committed(change(&ticket).set("a", "1").on(&store).await);
    let draft = change(&ticket).set("a", "2").expecting(FIRST);
    assert_conflict(draft.on(&store).await, &Conflict::Attribute(name("a")));
}
