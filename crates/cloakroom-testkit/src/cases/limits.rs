//! How much a session may hold.

use std::sync::Arc;

use cloakroom_core::{Expect, Limit, Limits, Outcome, Store, Ticket, TicketFate};

use crate::Harness;
use crate::support::*;

fn attribute_bytes(bytes: u64) -> Limits {
    Limits { attribute_bytes: bytes, ..Limits::default() }
}

fn session_bytes(bytes: u64) -> Limits {
    Limits { session_bytes: bytes, ..Limits::default() }
}

fn attributes(count: u32) -> Limits {
    Limits { attributes: count, ..Limits::default() }
}

/// Creates a session with `a` and `b` of three bytes each: eight bytes with the names.
async fn session(store: &impl Store) -> Ticket {
    let ticket = ticket();
    committed(create(&ticket).set("a", "123").set("b", "123").on(store).await);
    ticket
}

/// Asserts that this commit is over the limit, and that it changed nothing.
async fn assert_refused(store: &impl Store, draft: Draft, ticket: &Ticket, limit: Limit, max: u64) {
    let before = look(store, ticket).await;
    assert_over(draft.label("x").on(store).await, limit, max);
    let after = look(store, ticket).await;
    assert_eq!(after.meta, before.meta);
    assert_eq!(contents(&after), contents(&before));
}

/// A value may have as many bytes as allowed, and not one more.
pub async fn a_value_may_have_as_many_bytes_as_allowed<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let limits = attribute_bytes(5);
    committed(change(&ticket).set("c", "12345").limits(limits).on(&store).await);
    for over in ["c", "d"] {
        let draft = change(&ticket).set("e", "1").set(over, "123456").limits(limits);
        let limit = Limit::AttributeBytes(name(over));
        assert_refused(&store, draft, &ticket, limit, 5).await;
    }
}

/// Names and values together may have as many bytes as allowed, and not one more.
pub async fn a_session_may_have_as_many_bytes_as_allowed<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let limits = session_bytes(12);
    committed(change(&ticket).set("cd", "12").limits(limits).on(&store).await);
    for draft in [
        change(&ticket).set("e", ""),
        change(&ticket).set("a", "1234"),
        change(&ticket).remove("a").set("c", "12345"),
        change(&ticket).clear().set("e", "123456789012"),
    ] {
        let draft = draft.limits(limits);
        assert_refused(&store, draft, &ticket, Limit::SessionBytes, 12).await;
    }
}

/// A session may have as many attributes as allowed, and not one more.
pub async fn a_session_may_have_as_many_attributes_as_allowed<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let limits = attributes(3);
    committed(change(&ticket).set("c", "1").limits(limits).on(&store).await);
    for draft in [
        change(&ticket).set("d", "1"),
        change(&ticket).remove("a").set("d", "1").set("e", "1"),
        change(&ticket).remove("nobody").set("d", "1"),
    ] {
        let draft = draft.limits(limits);
        assert_refused(&store, draft, &ticket, Limit::Attributes, 3).await;
    }
}

/// What a commit replaces, removes or clears makes room for what it sets.
pub async fn what_a_commit_removes_makes_room<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let limits = Limits { attributes: 2, session_bytes: 8, attribute_bytes: 7 };
    for draft in [
        change(&ticket).set("a", "321"),
        change(&ticket).remove("a").set("c", "123"),
        change(&ticket).clear().set("d", "1234567"),
        change(&ticket).clear().set("a", "123").set("b", "123"),
    ] {
        committed(draft.limits(limits).on(&store).await);
    }
    let meta = look(&store, &ticket).await.meta;
    assert_eq!((meta.attributes, meta.bytes), (2, 8));
}

/// A create over any limit is refused, and creates nothing.
pub async fn a_create_over_a_limit_creates_nothing<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let cases = [
        (attribute_bytes(2), Limit::AttributeBytes(name("a")), 2),
        (session_bytes(3), Limit::SessionBytes, 3),
        (attributes(0), Limit::Attributes, 0),
    ];
    for (limits, limit, max) in cases {
        let ticket = ticket();
        let draft = create(&ticket).set("a", "123").limits(limits).bound_to("ann");
        assert_over(draft.on(&store).await, limit, max);
        assert_absent(peek(&store, &ticket).await);
        assert!(sessions_of(&store, "ann").await.is_empty());
        committed(create(&ticket).on(&store).await);
    }
}

/// A commit that leaves a session no larger than it was is never refused, though a limit was lowered below it.
pub async fn a_session_that_does_not_grow_is_never_refused<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let none = Limits { attributes: 0, session_bytes: 0, attribute_bytes: 0 };
    let ticket = session(&store).await;
    for draft in [
        change(&ticket),
        change(&ticket).set("a", "321"),
        change(&ticket).set("a", "12"),
        change(&ticket).label("x").interval(LONG / 2),
        change(&ticket).set("a", "").set("b", "1"),
        change(&ticket).remove("b"),
        change(&ticket).clear(),
    ] {
        committed(draft.limits(none).on(&store).await);
    }
    let renewal = renewal(&ticket);
    let draft = change(&ticket).renew(&renewal, LONG).limits(none);
    assert_eq!(committed(draft.on(&store).await).ticket, TicketFate::Changed);
}

/// A session that is over a lowered limit may not grow.
pub async fn a_session_over_a_lowered_limit_may_not_grow<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let longer = change(&ticket).set("a", "1234");
    let limits = [
        (attribute_bytes(2), Limit::AttributeBytes(name("a")), 2),
        (session_bytes(4), Limit::SessionBytes, 4),
    ];
    for (lowered, limit, max) in limits {
        let draft = longer.clone().anew().limits(lowered);
        assert_refused(&store, draft, &ticket, limit, max).await;
    }
    let draft = change(&ticket).set("c", "").limits(attributes(1));
    assert_refused(&store, draft, &ticket, Limit::Attributes, 1).await;
}

/// A refused commit replaces no ticket and signs nobody in.
pub async fn a_refused_commit_replaces_no_ticket<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let next = other_ticket(&ticket);
    let draft = change(&ticket).set("c", "1").limits(attributes(2));
    let draft = draft.sign_in(&next, "ann", LONG);
    assert_refused(&store, draft, &ticket, Limit::Attributes, 2).await;
    assert_absent(peek(&store, &next).await);
    assert!(sessions_of(&store, "ann").await.is_empty());
}

/// An expectation that is not met is told before a limit that would be passed.
pub async fn a_conflict_is_told_before_a_limit<H: Harness>(harness: &H) {
    let store = harness.store().await;
    let ticket = session(&store).await;
    let draft = change(&ticket).set("a", "1234").expecting(Expect::Absent);
    let outcome = draft.limits(attribute_bytes(1)).on(&store).await;
    assert!(matches!(outcome, Outcome::Conflict(_)), "{outcome:?}");
}

/// Limits hold however many commit at once: together they never pass one.
pub async fn limits_hold_under_parallel_commits<H: Harness>(harness: &H) {
    let store = node(harness).await;
    let ticket = session(&store).await;
    let commits = at_once(10, |number| {
        let store = Arc::clone(&store);
        let draft = change(&ticket).set(&format!("c{number}"), "1").limits(attributes(5));
        async move { matches!(draft.on(&store).await, Outcome::Committed(_)) }
    });
    let applied = soon("a race for room", commits).await;
    assert_eq!(applied.into_iter().filter(|applied| *applied).count(), 3);
    assert_eq!(look(&store, &ticket).await.attributes.len(), 5);
}
